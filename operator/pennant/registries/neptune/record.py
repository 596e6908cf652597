"""What an export of Neptune says of a version, in the words of the record. Nothing is read here."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pennant.api.meta import COMMIT_PATTERN, rfc3339
from pennant.record.metrics import SPLITS
from pennant.record.secrecy import without_credentials
from pennant.registries import fields, flat
from pennant.registries.fields import of_text
from pennant.registries.neptune import tracked
from pennant.registries.neptune.files import OWN_SPACES, Files, Found, labelled
from pennant.registries.neptune.known import Attribute, Attributes
from pennant.registries.notes import Notes
from pennant.registries.protocol import RegistryError
from pennant.registries.requirements import environment

TITLE = "Neptune"
MAX_DATASETS, MAX_REPORTS = 32, 32
PARAMETERS = frozenset({"parameters", "params", "hyperparameters", "hparams", "config"})
"""First words of the paths of hyperparameters."""
DATA = frozenset({"data", "dataset", "datasets", "train", "training"})
"""Words in the path of tracked data that was used for training, if no word names another split."""
COMMITS = ("source_code/commit", "source_code/git/commit", "git/commit", "code/commit", "commit")
REMOTES = ("source_code/remote", "source_code/git/remote", "git/remote", "code/repository", "repository")
"""Paths under which people log commit and repository: the exporter leaves out what Neptune itself knew of git."""
ENTRY = "source_code/entrypoint"
ROLES: Mapping[str, str] = {"Train": "Training", "Validation": "Validation", "Test": "Test"}
SCALARS = frozenset({"string", "int", "float", "bool", "datetime", "string_set"})
_NUMBERS = ("float", "int", "float_series")
_MAPPED = frozenset(
    {
        *("sys/id", "sys/model_id", "sys/description", "sys/owner", "sys/creation_time", "sys/trashed", "reason"),
        *("run/id", "run/sys/id", *COMMITS, *REMOTES, ENTRY),
    }
)
"""Attributes that have fields of their own, so that they are no annotations."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What the export has of a version."""

    model: str
    """Name in this import."""
    number: str
    version: Attributes
    files: Files
    described: Attributes | None
    """The model, which has what is common to its versions."""
    run: Attributes | None
    run_files: Files
    requirements: bytes | None
    code_digest: str | None
    """Of the file or directory with the code."""
    repository: str | None
    """Where the code is, if no attribute says it."""


def record(exported: Exported, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that the export can fill."""
    version, run = exported.version, exported.run
    both = {**(run.values if run is not None else {}), **version.values}
    found: dict[str, Any] = {}
    if description := version.text("sys/description"):
        found["description"] = notes.line(description, 8192, "the description")
    if reason := version.text("reason"):
        found["reason"] = notes.line(reason, 1024, "the reason")
    if author := version.text("sys/owner"):
        found["author"] = {"name": notes.line(author, 63, "the name of the author")}
    if created := _time(version, "sys/creation_time"):
        found["createdAt"] = created
    found["artifacts"] = _artifacts(exported.files, notes)
    found["datasets"] = _datasets([*exported.files.data, *exported.run_files.data], notes)
    if code := _code(exported, notes):
        found["code"] = code
    values = {
        "/".join(path.split("/")[1:]): _text(each.value) for path, each in both.items() if _is_parameter(path, each)
    }
    found["hyperparameters"] = fields.parameters(flat.plain(values, notes), notes)
    found["metrics"] = fields.metrics(_metrics(both), notes)
    if exported.requirements is not None:
        found["environment"] = environment(exported.requirements, "source_code/requirements", notes)
    found["training"] = _training(exported, notes)
    found["reports"] = _reports(exported.files.documents, notes)
    found["source"] = _source(exported, notes)
    _say_series(both, notes)
    return {name: each for name, each in found.items() if each}


def _artifacts(files: Files, notes: Notes) -> list[dict[str, Any]]:
    found = []
    for name, each in labelled(files.models).items():
        if each.uri is None:
            continue
        known: dict[str, Any] = {"name": name, "uri": each.uri[:2048], "sizeBytes": each.size}
        if each.format is not None:
            known["format"] = {"name": each.format}
        if each.path is None:
            known["digest"] = tracked.digest_of(each.tracked)
        found.append({key: value for key, value in known.items() if value is not None})
    if not found:
        why = f": {notes.said[0]}" if notes.said else ", and a record has at least one artefact"
        raise RegistryError(f"the export has no file of a model in it{why}")
    return found


def _datasets(data: list[Found], notes: Notes) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in data:
        role = _role(each.name)
        if role == "Reference":
            notes.add(f"no word of {each.name} says how the data was used: Reference")
        known = {"name": each.name[:253], "role": role, "uri": each.uri, "digest": tracked.digest_of(each.tracked)}
        found.setdefault(each.name[:253], {key: value for key, value in known.items() if value})
    if len(found) > MAX_DATASETS:
        notes.add(f"the record has the first {MAX_DATASETS} of {len(found)} data sets")
    return list(found.values())[:MAX_DATASETS]


def _role(path: str) -> str:
    words = re.split("[^a-z]+", path.lower())
    if (split := next((SPLITS[each] for each in words if each in SPLITS), None)) is not None:
        return ROLES[split]
    return "Training" if DATA & {*words} else "Reference"


def _code(exported: Exported, notes: Notes) -> dict[str, Any]:
    all_ = [each for each in (exported.version, exported.run) if each is not None]
    commit = next((text for each in all_ if (text := each.text(*COMMITS))), "")
    where = next((text for each in all_ if (text := each.text(*REMOTES))), exported.repository or "")
    files = exported.files if exported.files.code is not None else exported.run_files
    found: dict[str, Any] = {}
    if files.code is not None and files.code.uri is not None:
        found |= {"uri": files.code.uri[:2048], "digest": exported.code_digest}
    if commit and not where:
        notes.add(
            f"the code is at commit {commit}, and no attribute says in which repository; give it with --repository"
        )
    elif commit and (re.fullmatch(COMMIT_PATTERN, commit) is None or len(commit) > 64):
        notes.add(f"the commit is {commit!r}, which is no hash of a commit")
    elif commit:
        found |= {"repository": without_credentials(where)[:2048], "commit": commit}
        found["dirty"] = True if exported.files.has_diff or exported.run_files.has_diff else None
    entry = next((text for each in all_ if (text := each.text(ENTRY))), "")
    if found and entry and not re.match(r"/|[A-Za-z]:|\.\.", entry) and len(entry) <= 256:
        found["path"] = entry
    return {name: each for name, each in found.items() if each is not None}


def _is_parameter(path: str, attribute: Attribute) -> bool:
    space, _, rest = path.partition("/")
    return bool(rest) and space.lower() in PARAMETERS and attribute.type in SCALARS


def _is_metric(path: str, attribute: Attribute) -> bool:
    space = path.partition("/")[0].lower()
    return attribute.type in _NUMBERS and space not in OWN_SPACES and space not in PARAMETERS


def _metrics(values: Mapping[str, Attribute]) -> Iterator[dict[str, Any]]:
    """Yield each number that is no parameter, and the last value of each series."""
    for path, each in sorted(values.items()):
        if _is_metric(path, each) and each.value is not None:
            words = re.split("[/_.]", path.lower())
            split = next((SPLITS[word] for word in words if word in SPLITS), None)
            yield {"name": path, "value": each.value, **({"split": split} if split is not None else {})}


def _training(exported: Exported, notes: Notes) -> dict[str, Any]:
    run = exported.run
    name = run.id if run is not None else exported.version.text("run/id", "run/sys/id")
    if not name:
        return {}
    known = {
        "experiment": notes.line(exported.version.project, 256, "the name of the project"),
        "run": name[:256],
        "startedAt": _time(run, "sys/creation_time") if run is not None else None,
    }
    return {key: each for key, each in known.items() if each}


def _reports(documents: list[Found], notes: Notes) -> list[dict[str, Any]]:
    if len(documents) > MAX_REPORTS:
        notes.add(f"the record has the first {MAX_REPORTS} of {len(documents)} documents")
    named = labelled(documents[:MAX_REPORTS])
    return [{"name": name, "uri": uri[:2048]} for name, each in named.items() if (uri := each.uri) is not None]


def _source(exported: Exported, notes: Notes) -> dict[str, Any]:
    version = exported.version
    known = {
        "registry": TITLE,
        "instance": f"https://app.neptune.ai/{version.project}"[:2048],
        "modelName": (version.text("sys/model_id") or exported.model)[:256],
        "version": exported.number[:256],
        "id": version.id[:256],
        "annotations": fields.annotations(flat.plain(_annotations(exported), notes), notes),
    }
    return {name: each for name, each in known.items() if each}


def _annotations(exported: Exported) -> dict[str, Any]:
    """Return what has no field of its own, under the names of Neptune; the most specific first, as there is a limit."""
    found: dict[str, Any] = {}
    of_each = (("", exported.version), ("model.", exported.described), ("run.", exported.run))
    for start, attributes in of_each:
        for path, each in sorted((attributes.values if attributes is not None else {}).items()):
            space = path.partition("/")[0]
            is_repeated = path in _MAPPED or _is_parameter(path, each) or (start != "model." and _is_metric(path, each))
            if each.type in SCALARS and not is_repeated and (space == "sys" or space not in OWN_SPACES):
                found[f"{start}{path}"] = _text(each.value)
    return found


def _say_series(values: Mapping[str, Attribute], notes: Notes) -> None:
    logs = [path for path, each in sorted(values.items()) if each.type == "string_series" and _is_users(path)]
    if logs:
        notes.add(f"{', '.join(logs[:5])} are series of texts, so the record does not have them")


def _is_users(path: str) -> bool:
    return path.partition("/")[0] not in OWN_SPACES


def _time(attributes: Attributes, path: str) -> str | None:
    known = attributes.values.get(path)
    value = known.value if known is not None else None
    return of_text(value.isoformat()) if isinstance(value, datetime) else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float) and math.isfinite(value):
        return fields.number(value) or str(value)
    return ",".join(sorted(map(str, value))) if isinstance(value, list) else str(value if value is not None else "")
