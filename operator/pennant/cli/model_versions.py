"""ModelVersions: as users name them, in the order of their semantic versions, and who has a tag."""

from collections.abc import Iterable, Sequence

from pennant.api import GROUP
from pennant.api.meta import Json
from pennant.cli import names
from pennant.cli.errors import CliError
from pennant.cli.names import hinted
from pennant.cli.session import Session
from pennant.core.facts.observation import Invalid
from pennant.core.versions.semver import is_semantic, precedence_key
from pennant.kube.codec import decode
from pennant.kube.http.resources import Kind

RESOURCE = f"modelversion.{GROUP}"
KINDS = frozenset({"modelversion", "modelversions", "mver", "mv", f"modelversions.{GROUP}", f"modelversion.{GROUP}"})


def full_name(name: str) -> str:
    """Return the name as kubectl prints it, such as `modelversion.pennant.dev/fraud-1.0.0`."""
    return f"{RESOURCE}/{name}"


def parsed(word: str) -> str:
    """Return the name or the version in what a user typed: `fraud-1.1.0`, `mver/fraud-1.1.0` or `1.1.0`."""
    kind, slash, name = word.rpartition("/")
    if (slash and kind.lower() not in KINDS) or not name:
        raise CliError(f"{word} is not a ModelVersion; name it as NAME, mver/NAME, or VERSION with --model")
    return names.valid(name)


def named(words: Sequence[str]) -> str | None:
    """Return the version that is named as `modelversion/NAME`, or in two words; None: it is no version."""
    kind, slash, _ = (words[0] if words else "").rpartition("/")
    if len(words) == 1 and slash and kind.lower() in KINDS:
        return words[0]
    return words[1] if len(words) == 2 and words[0].lower() in KINDS else None


def ordered(items: Iterable[Json]) -> list[Json]:
    """Return versions by model, the newest semantic version first; the others come last, by name."""
    found = sorted(items, key=lambda each: str(each["metadata"]["name"]))
    proper = [each for each in found if is_semantic(decode.model_and_version(each)[1])]
    others = [each for each in found if not is_semantic(decode.model_and_version(each)[1])]
    proper.sort(key=lambda each: precedence_key(decode.model_and_version(each)[1]), reverse=True)
    return sorted((*proper, *others), key=lambda each: decode.model_and_version(each)[0])


async def find(session: Session, word: str, model: str | None) -> Json:
    """Return the ModelVersion that a user named by its object's name or its version.

    Raises `CliError` where there is none, where there is more than one, and where it is one of another model.
    """
    name, model = parsed(word), names.valid(model, "model") if model is not None else None
    found = await session.client.get(Kind.MODEL_VERSION, session.namespace, name)
    if found is not None and model in (None, decode.model_and_version(found)[0]):
        return found
    selector = f"spec.version={name}" + (f",spec.model={model}" if model is not None else "")
    listed = await session.client.all_of(Kind.MODEL_VERSION, session.namespace, fieldSelector=selector)
    if not listed and found is not None:
        raise CliError(f"{name} is a version of the model {decode.model_and_version(found)[0]}, not of {model}")
    if not listed:
        raise await _missing(session, name, model)
    return only(listed, name)


def only(listed: Sequence[Json], version: str) -> Json:
    """Return the only one of the versions that were found; raises `CliError` with all of them where there are more."""
    if len(listed) == 1:
        return listed[0]
    names = ", ".join(sorted(str(each["metadata"]["name"]) for each in listed))
    raise CliError(f"{version} is ambiguous: {names}. Name the object, or give --model")


async def of_model(session: Session, model: str) -> list[Json]:
    """Return the versions of a model."""
    return await session.client.all_of(Kind.MODEL_VERSION, session.namespace, fieldSelector=f"spec.model={model}")


def usable(raw: Json) -> None:
    """Raise `CliError` where a version cannot serve: its record is invalid, or it is being deleted."""
    name = raw["metadata"]["name"]
    if "deletionTimestamp" in raw["metadata"]:
        raise CliError(f"{full_name(name)} is being deleted, so it cannot have a tag")
    spec = decode.version_spec(name, raw.get("spec"))
    if isinstance(spec, Invalid):
        raise CliError(f"{full_name(name)} cannot be served: {spec.problem}. Create a fixed ModelVersion")


async def _missing(session: Session, name: str, model: str | None) -> CliError:
    """Return the error for a version that does not exist, with the nearest names that do."""
    selectors = {"fieldSelector": f"spec.model={model}"} if model is not None else {}
    known = ordered(await session.client.all_of(Kind.MODEL_VERSION, session.namespace, **selectors))
    names = [str(each["metadata"]["name"]) for each in known]
    where = f"in namespace {session.namespace}"
    what = f"{name} of model {model}" if model is not None else name
    if not names:
        of = f" of model {model}" if model is not None else ""
        return CliError(f'modelversions.{GROUP} "{what}" not found {where}, which has no ModelVersion{of}')
    hint = hinted(name, names, [each for each in names if each.endswith(f"-{name}")], cutoff=0.6)
    return CliError(f'modelversions.{GROUP} "{what}" not found {where}. {hint}')
