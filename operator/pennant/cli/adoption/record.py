"""What the ModelVersion says: model, version and artefacts, each with the reason for which it was chosen."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pennant.api.meta import MEANINGS, SUBDOMAIN_PATTERN, VERSION_PATTERN, Json
from pennant.cli.adoption import artifacts
from pennant.cli.adoption.objects import items, mapping
from pennant.cli.adoption.words import full_name
from pennant.cli.adoption.workload import Artifact, Workload
from pennant.cli.errors import CliError

LONGEST = 63
FIRST_VERSION = "1.0.0"
IN_ADDRESS = re.compile(r"v?\d+(?:\.\d+){1,3}(?:-[a-z0-9.-]+)?|\d{4}-\d{2}-\d{2}|v?\d+|(?=[a-f]*\d)[0-9a-f]{7,40}")
"""A directory of an address that is a version: a number, a date, or the hash of a commit."""
ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?/\S*")
"""What `--uri` takes: a scheme with a path, such as `s3://models/fraud` or `models:/fraud/3`, or an absolute path."""
EXAMPLES = (
    ", such as s3://models/fraud/1.0.0/model.onnx, hf://org/model, oci://registry.example.com/fraud:1 or /models/fraud"
)
VERSION_LABELS = ("app.kubernetes.io/version", "version")
MOVING = frozenset({"latest", "stable", "main", "master", "edge", "nightly", "dev"})
"""Tags of images that name no version."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says instead of what is found."""

    tag: str
    model: str | None = None
    version: str | None = None
    uri: str | None = None
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What the ModelVersion says, and why."""

    model: str
    version: str
    artifacts: tuple[Artifact, ...]
    container: str
    tag: str
    reasons: tuple[str, ...]
    """A line for each choice, such as `version 1.4.0: the label version of the pods`."""

    @property
    def name(self) -> str:
        """The name of the ModelVersion."""
        return f"{self.model}-{self.version}"


def record_of(workload: Workload, wishes: Wishes) -> Record:
    """Return the record; raises `CliError` where a part of it cannot be known."""
    found = artifacts.found_in(workload.template)
    container, why_container = _container(workload, wishes, found)
    chosen = _artifacts(workload, wishes, found, container)
    model, why_model = _model(workload, wishes)
    version, why_version = _version(workload, wishes, container, chosen)
    if len(f"{model}-{version}") > LONGEST:
        raise CliError(f"{model}-{version} has more than {LONGEST} characters; choose a shorter --model or --version")
    why = [f"model {model}: {why_model}", f"version {version}: {why_version}"]
    why += [f"artifact {each.uri}: {each.why}" for each in chosen]
    why += [f"container {container}: {why_container}"] if why_container else []
    return Record(model, version, tuple(chosen), container, wishes.tag, tuple(why))


def _container(workload: Workload, wishes: Wishes, found: Sequence[Artifact]) -> tuple[str, str]:
    """Return the container that serves the model, and why, where there is a choice."""
    names = [str(each.get("name")) for each in items(mapping(workload.template, "spec"), "containers")]
    me = full_name(workload.kind, workload.name)
    listed = ", ".join(names)
    if not names:
        raise CliError(f"{me} has no containers in its pod template")
    if wishes.container is not None:
        if wishes.container not in names:
            raise CliError(f"{me} has no container {wishes.container}; there are: {listed}")
        return wishes.container, "--container"
    if len(names) == 1:
        return names[0], ""
    if workload.container in names:
        return workload.container, "it serves the model"
    naming = [each for each in names if any(one.container == each for one in found)]
    if len(naming) == 1:
        return naming[0], "it is the only one that names a model"
    raise CliError(f"{me} has {len(names)} containers: {listed}. Say which one serves the model with --container")


def _artifacts(workload: Workload, wishes: Wishes, found: Sequence[Artifact], container: str) -> list[Artifact]:
    if wishes.uri is not None:
        if ADDRESS.fullmatch(wishes.uri) is None:
            raise CliError(f'invalid --uri "{wishes.uri}": it must have a scheme or be an absolute path{EXAMPLES}')
        return [Artifact(wishes.uri, "--uri")]
    if workload.artifacts:
        return list(workload.artifacts)
    others = {str(each.get("name")) for each in items(mapping(workload.template, "spec"), "containers")} - {container}
    own = [each for each in found if each.container not in others]
    if own:
        return own[:1]
    raise CliError(
        f"{full_name(workload.kind, workload.name)} does not say where its model is. Say it with --uri, such as "
        f"--uri=s3://models/{workload.name}/1.0.0/model.onnx; if the model is in the image, give the image, such as "
        f"--uri=oci://registry.example.com/{workload.name}:1.0.0"
    )


def _model(workload: Workload, wishes: Wishes) -> tuple[str, str]:
    model, why = (wishes.model, "--model") if wishes.model is not None else (workload.name, "the name of the object")
    if re.fullmatch(SUBDOMAIN_PATTERN, model) is None:
        raise CliError(f'invalid model "{model}": it {MEANINGS[SUBDOMAIN_PATTERN]}; choose another one with --model')
    return model, why


def _version(workload: Workload, wishes: Wishes, container: str, chosen: Sequence[Artifact]) -> tuple[str, str]:
    if wishes.version is not None:
        if re.fullmatch(VERSION_PATTERN, wishes.version) is None:
            raise CliError(f'invalid version "{wishes.version}": it {MEANINGS[VERSION_PATTERN]}')
        return wishes.version, "--version"
    for text, why in _said(workload, container, chosen):
        version = text.lower().replace("_", "-").replace("+", "-")
        if version not in MOVING and len(version) <= LONGEST and re.fullmatch(VERSION_PATTERN, version):
            return version, why
    return FIRST_VERSION, "nothing says a version; choose another one with --version"


def _said(workload: Workload, container: str, chosen: Sequence[Artifact]) -> Iterator[tuple[str, str]]:
    """Yield what may be the version, the surest first, each with its place."""
    pods = mapping(workload.template, "metadata").get("labels") or {}
    for name in VERSION_LABELS:
        for labels, where in ((pods, "the pods"), (workload.labels, "the object")):
            if labels.get(name):
                yield str(labels[name]), f"the label {name} of {where}"
    for artifact in chosen:
        if artifact.digest.startswith(artifacts.COMMIT_DIGEST):
            yield artifact.digest.removeprefix(artifacts.COMMIT_DIGEST)[:7], "the commit of the model"
        for part in reversed(artifact.uri.partition(":")[2].split("/")):
            if IN_ADDRESS.fullmatch(part.lower()):
                yield part, "the address of the model"
    for each in items(mapping(workload.template, "spec"), "containers"):
        if each.get("name") == container:
            yield _tag(each), f"the tag of the image of container {container}"


def _tag(container: Json) -> str:
    return str(container.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[2]
