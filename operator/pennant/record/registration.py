"""One registration: read all sources, join them, and give the record its number and its manifest."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pennant.api.meta import Json, rfc3339
from pennant.api.model_version import ModelVersionSpec
from pennant.core.versions.completeness import Element, missing
from pennant.kube.codec.validation_message import problem
from pennant.record import artifacts, ci, document, dvc, environment, git
from pennant.record.artifacts import Named, Read, Strength, strength_of
from pennant.record.errors import RegisterError
from pennant.record.git import Checkout
from pennant.record.merging import Part, merged
from pennant.record.numbering import UNNAMED, Known, Number, Wish, number
from pennant.record.progress import Meter, Silent

HINTS: Mapping[Element, str] = {
    Element.ARTIFACTS: "--artifact NAME=PATH gives it",
    Element.TRAINING_DATA: "--dataset NAME=PATH gives it",
    Element.HYPERPARAMETERS: "--params FILE gives them",
    Element.CODE: "run it in a git checkout, or set code with --spec FILE",
    Element.METRICS: "--metrics validation=FILE and --metrics test=FILE give them",
    Element.CREATED_AT: "--created-at gives it",
    Element.AUTHOR: "--author NAME gives it",
    Element.REASON: "--reason TEXT gives it",
    Element.ENVIRONMENT: "--env FILE gives it",
}
"""What gives each element of a complete record."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks to register."""

    model: str
    artifacts: tuple[Named, ...]
    uris: Mapping[str, str] = field(default_factory=dict)
    """By artefact or data set: where others find it."""
    datasets: tuple[tuple[str, Named], ...] = ()
    """Each with its role."""
    given: tuple[Part, ...] = ()
    """What the user said, from the options that count most to the file that counts least."""
    files: tuple[Part, ...] = ()
    """Metrics and parameters."""
    lock: Path | None = None
    wish: Wish = field(default_factory=Wish)
    tags: tuple[str, ...] = ()
    namespace: str | None = None
    directory: Path = Path()
    """Where the pipeline runs."""
    in_process: bool = False
    """Whether the Python that runs this code trained the model."""
    meter: Meter = field(default_factory=Silent)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record without its number."""

    request: Request
    spec: dict[str, Any]
    warnings: tuple[str, ...]
    strengths: Mapping[str, Strength]


@dataclass(frozen=True, slots=True)
class Registration:
    """A record with its number, and all that is said about it."""

    manifest: Json
    number: Number
    warnings: tuple[str, ...]
    incomplete: Mapping[Element, str]
    """The elements that are missing, each with what gives it."""
    strengths: Mapping[str, Strength]
    """What the digest of each artefact and data set is worth."""

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(self.manifest["metadata"]["name"])

    @property
    def yaml(self) -> str:
        """The manifest as YAML, with comments."""
        return document.text(self.manifest, (self.summary, self.digests), self.incomplete)

    @property
    def summary(self) -> str:
        """The number and why it is this one, in one line."""
        one = self.number
        after = f" follows {one.parent} ({one.bump})" if one.parent is not None else ""
        return f"{self.name}{after}: {'; '.join(one.reasons)}"

    @property
    def digests(self) -> str:
        """What the digests are worth, in one line."""
        return f"digests: {', '.join(f'{name} {each}' for name, each in self.strengths.items())}"


def draft(request: Request, environ: Mapping[str, str], now: datetime) -> Draft:
    """Return the record of all sources."""
    taken = [artifacts.read(each, request.meter, with_header=True) for each in request.artifacts]
    sets = [artifacts.read_dataset(each, role, request.meter, request.directory) for role, each in request.datasets]
    checkout = git.read(request.directory)
    joined = merged(_parts(request, taken, sets, checkout, ci.read(environ)))
    spec = {"model": request.model, **joined.spec}
    if request.tags:
        spec["tags"] = list(request.tags)
    spec.setdefault("createdAt", rfc3339(now))
    if not spec.get("artifacts"):
        raise RegisterError("a version has at least one artefact; give --artifact PATH")
    strengths = {name: each for one in (*taken, *sets) for name, each in one.strengths.items()}
    strengths |= _recorded(spec, strengths)
    return Draft(request, spec, (*joined.warnings, *_without_remote(spec, checkout.root)), strengths)


def _without_remote(spec: dict[str, Any], root: Path | None) -> Iterator[str]:
    """Set the repository to the checkout itself where nothing else names one, and yield the warning of it."""
    code = spec.get("code")
    if root is not None and code and not {"repository", "uri"} & code.keys():
        code["repository"] = root.as_uri()
        yield f"git has no remote origin, so code.repository is {root.as_uri()}; set it with --spec"


def _parts(
    request: Request, taken: Sequence[Read], sets: Sequence[Read], checkout: Checkout, job: Part | None
) -> Iterator[Part]:
    """Yield what each source says, from the one that counts most to the one that counts least."""
    yield from request.given
    yield from request.files
    yield from (each.parts[0] for each in (*taken, *sets))
    yield from _environments(request, checkout.root)
    yield from (part for each in taken for part in each.parts[1:])
    paths = [each.path for each in request.artifacts if each.path is not None]
    known = [each.path for _, each in request.datasets if each.path is not None]
    if (tracked := dvc.read(request.directory, checkout.root, paths, known)) is not None:
        yield tracked
    yield from _provenance(checkout.part, job)


def _provenance(checkout: Part, job: Part | None) -> Iterator[Part]:
    """Yield the code as the checkout has it, and who started the run as the CI has it."""
    if job is None:
        yield checkout
        return
    code = job.spec.get("code")
    yield replace(job, spec={name: each for name, each in job.spec.items() if name != "code"})
    kept = {name: each for name, each in checkout.spec.items() if name != "author" or name not in job.spec}
    known = kept.get("code", {})
    # Without a checkout, its warning that there is no commit does not hold.
    yield replace(checkout, spec=kept, warnings=checkout.warnings if known or code is None else ())
    if code is not None:
        # The same repository has several addresses.
        yield Part(job.source, {"code": {n: each for n, each in code.items() if n != "repository" or n not in known}})


def _environments(request: Request, root: Path | None) -> Iterator[Part]:
    """Yield the lock file that was named, or the only one of the directory, or else of the top of the checkout."""
    if request.lock is not None:
        yield environment.read(request.lock, root)
    else:
        found = environment.found_in(request.directory) or (environment.found_in(root) if root is not None else [])
        if len(found) == 1:
            yield environment.read(found[0], root)
        elif found:
            said = (
                f"there are several lock files ({', '.join(map(str, found))}), so none is recorded; name one with --env"
            )
            yield Part("lock files", {}, (said,))
    if request.in_process:
        yield environment.running()


def finished(made: Draft, known: Known) -> Registration:
    """Return the registration of a draft beside the versions that exist; raises `Duplicate`, `RegisterError`."""
    _check({**made.spec, "version": made.request.wish.version or UNNAMED})
    numbered = number(made.spec, known, made.request.wish)
    # The same draft may be numbered again, if somebody else takes the number.
    spec = {**deepcopy(made.spec), "version": numbered.version}
    if numbered.parent is not None:
        spec["parent"] = numbered.parent
    words = {"model": made.request.model, "version": numbered.version}
    artifacts.with_uris([*spec["artifacts"], *spec.get("datasets", ())], made.request.uris, words)
    manifest = document.model_version(spec, made.request.namespace)
    lacking = {each: HINTS[each] for each in missing(ModelVersionSpec.model_validate(manifest["spec"]))}
    warnings = (*made.warnings, *_local(manifest["spec"]), *_invalid(made.request.model, known), *numbered.warnings)
    return Registration(manifest, numbered, warnings, lacking, made.strengths)


def _check(spec: Json) -> None:
    """Raise `RegisterError` where a field is wrong, before the record is compared with others."""
    try:
        ModelVersionSpec.model_validate(spec)
    except ValidationError as error:
        raise RegisterError(problem(error)) from error


def _local(spec: Json) -> Iterator[str]:
    for listed in ("artifacts", "datasets"):
        for each in spec.get(listed, ()):
            if str(each.get("uri", "")).startswith("file:"):
                name = each["name"]
                yield f"{listed}[{name}].uri is a path of this machine; --uri {name}=URI says where others find it"


def _invalid(model: str, known: Known) -> Iterator[str]:
    for version, why in known.others.items():
        yield f"{model}-{version} is invalid and was not compared: {why}"


def _recorded(spec: Json, known: Mapping[str, Strength]) -> dict[str, Strength]:
    """Return what the digests of data sets are worth that a tool recorded."""
    found = {f"datasets.{each['name']}": strength_of(each.get("digest")) for each in spec.get("datasets", ())}
    return {name: each for name, each in found.items() if name not in known}
