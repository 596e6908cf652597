"""What DVC recorded: the data sets and parameters of the stage that made the artefact, and digests of tracked files.

Formats: `dvc.lock` (schema 2.0) has the dependencies and outputs of each stage, `<path>.dvc` has one output. Both name
files relative to themselves, each with an md5; that of a directory ends in `.dir`.
"""

import configparser
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pennant.record.merging import Part
from pennant.record.metrics import SPLITS
from pennant.record.parameters import of_values
from pennant.record.secrecy import without_credentials
from pennant.record.texts import text_of, values_of

LOCK = "dvc.lock"
CODE = (".py", ".ipynb", ".r", ".jl", ".sh", ".sql", ".scala", ".java", ".cpp", ".c", ".go", ".rs")
"""What the names of dependencies end in that are code, not data."""
ROLES: Mapping[str, str] = {"Train": "Training", "Validation": "Validation", "Test": "Test"}
HOLDOUT = {"holdout": "Test", "eval": "Validation", "dev": "Validation"}


@dataclass(frozen=True, slots=True)
class Tracked:
    """A file or a directory that DVC tracks."""

    path: str
    digest: str
    size: int | None


def tracked(value: Any) -> Tracked | None:
    """Return a dependency or an output of a stage; None where DVC has no md5 of it."""
    if not isinstance(value, Mapping) or not isinstance(value.get("path"), str):
        return None
    md5, size = str(value.get("md5", "")), value.get("size")
    if re.fullmatch(r"[a-f0-9]{32}(\.dir)?", md5) is None:
        return None
    digest = f"md5-dir:{md5.removesuffix('.dir')}" if md5.endswith(".dir") else f"md5:{md5}"
    return Tracked(posixpath.normpath(value["path"]), digest, size if isinstance(size, int) and size >= 0 else None)


def of_file(path: Path) -> Tracked | None:
    """Return what the file `<path>.dvc` beside a data set says; None: there is none."""
    beside = path.with_name(f"{path.name}.dvc")
    if not beside.is_file():
        return None
    listed = _listed(values_of(beside), "outs")
    return next((each for each in map(tracked, listed) if each is not None and each.path == path.name), None)


def read(directory: Path, root: Path | None, artifacts: Sequence[Path], known: Sequence[Path] = ()) -> Part | None:
    """Return data sets and parameters of the stages that made the artefacts; None: there is no `dvc.lock`.

    The file is searched in the directory and above it, up to the top of the checkout. Data sets at `known` paths are
    left out: the user named them.
    """
    found = next((each / LOCK for each in _above(directory, root) if (each / LOCK).is_file()), None)
    if found is None:
        return None
    value = values_of(found)
    stages = value.get("stages") if isinstance(value, Mapping) else None
    if not isinstance(stages, Mapping):
        return Part(LOCK, {}, (f"{found} has no stages",))
    wanted = {_relative(each, found.parent): each for each in artifacts}
    making = [each for each in stages.values() if isinstance(each, Mapping) and _makes(each, wanted)]
    if not making:
        return Part(LOCK, {}, (f"{found}: no stage has an artefact of this version as an output, so it is not used",))
    if (
        stale := next((one.path for each in making for one in _all(each, "outs") if _differs(one, wanted)), None)
    ) is not None:
        return Part(
            LOCK, {}, (f"{found} is of another {stale} than the artefact, so it is not used; run `dvc commit`",)
        )
    named = {_relative(each, found.parent) for each in known}
    made = {one.path for each in stages.values() for one in _all(each, "outs")}
    remote = remote_url(found.parent)
    datasets = [
        dataset(one, posixpath.basename(one.path), role_of(one.path), remote)
        for stage in making
        for one in _all(stage, "deps")
        if one.path not in named and (one.path in made or not one.path.lower().endswith(CODE))
    ]
    parameters = of_values(_parameters(making), LOCK).spec
    return Part(LOCK, {"datasets": datasets, **(parameters if parameters["hyperparameters"] else {})})


def dataset(one: Tracked, name: str, role: str, remote: str | None) -> dict[str, Any]:
    """Return a data set of the record. Its URI is in the remote of DVC, or its path where there is none."""
    return {"name": name, "role": role, "uri": _stored(one, remote) or one.path, "digest": one.digest}


def role_of(path: str, otherwise: str = "Training") -> str:
    """Return the use of a data set by the words in its file name: training, unless one of them is another split."""
    words = re.findall("[a-z]+", posixpath.basename(path).lower())
    known = {**{word: ROLES[split] for word, split in SPLITS.items()}, **HOLDOUT}
    return next((known[word] for word in words if word in known), otherwise)


def remote_url(directory: Path) -> str | None:
    """Return the address of the default remote of a DVC repository, of `.dvc/config`; None: there is none."""
    path = directory / ".dvc" / "config"
    if not path.is_file():
        return None
    config = sections(text_of(path))
    remote = config.get(f"'remote \"{config.get('core', {}).get('remote', '')}\"'", {})
    url = remote.get("url", "").rstrip("/")
    return without_credentials(url) if "://" in url else None


def sections(text: str) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of a `.dvc/config`, such as `core` and `'remote "store"'`; none where it is damaged."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(config[name]) for name in config.sections()}


def _stored(one: Tracked, remote: str | None) -> str | None:
    value = one.digest.partition(":")[2] + (".dir" if one.digest.startswith("md5-dir:") else "")
    return f"{remote}/files/md5/{value[:2]}/{value[2:]}" if remote else None


def _differs(one: Tracked, artifacts: Mapping[str, Path]) -> bool:
    """Return whether an output is an artefact whose file has other bytes now; of a directory it is not known."""
    path = artifacts.get(one.path)
    if path is None or not path.is_file() or not one.digest.startswith("md5:"):
        return False
    if one.size is not None and one.size != path.stat().st_size:
        return True
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return one.digest != f"md5:{md5.hexdigest()}"


def _makes(stage: Mapping[str, Any], wanted: Mapping[str, Path]) -> bool:
    return any(one.path in wanted for one in _all(stage, "outs"))


def _all(stage: Any, key: str) -> Iterator[Tracked]:
    return (each for each in map(tracked, _listed(stage, key)) if each is not None)


def _listed(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _parameters(stages: list[Mapping[str, Any]]) -> dict[str, Any]:
    files = [each for stage in stages if isinstance(each := stage.get("params"), Mapping)]
    return {
        str(name): value
        for each in files
        for values in each.values()
        if isinstance(values, Mapping)
        for name, value in values.items()
    }


def _relative(path: Path, directory: Path) -> str:
    try:
        return path.resolve().relative_to(directory.resolve()).as_posix()
    except ValueError:
        return str(path)


def _above(directory: Path, root: Path | None) -> Iterator[Path]:
    here = directory.resolve()
    yield here
    for each in here.parents if root is not None and here != root.resolve() else ():
        yield each
        if root is not None and each == root.resolve():
            return
