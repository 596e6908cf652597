"""What `dvc.lock` and `.dvc` files say of files: digests, sizes, and where the bytes are. Nothing is read here.

Formats: `dvc.lock` (schema 2.0) has the dependencies and outputs of each stage, a `.dvc` file has one output. Paths are
relative to the directory of the file, or to the working directory of the stage.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pennant.registries.fields import mapping

DIRECTORY = ".dir"
_HEX = re.compile("[a-f0-9]{32}")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Output:
    """A file or a directory as DVC recorded it."""

    path: str
    """From the top of the repository; or a URL, or a path of the machine that DVC does not keep."""
    digest: str | None = None
    size: int | None = None
    count: int | None = None
    """Number of files of a directory; None: it is a file, or DVC does not say it."""
    key: str | None = None
    """Name of the object in the store of DVC: an md5, with `.dir` for a directory; None: it is not stored so."""
    is_legacy: bool = False
    """Of DVC 2, which computes the md5 of a text with Unix line ends, and stores it elsewhere."""
    version: str | None = None
    """Version of the object in a cloud store that keeps versions."""
    remote: str | None = None
    """Name of the remote, if it is not the default one."""
    files: tuple["Output", ...] = ()
    """The files of a directory in a cloud store that keeps versions, with paths in the directory."""

    @property
    def is_outside(self) -> bool:
        """Whether it is not in the repository."""
        return is_outside(self.path)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a pipeline, as it ran."""

    name: str
    command: str
    deps: tuple[Output, ...] = ()
    outs: tuple[Output, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    """Paths of its metrics files."""


def is_outside(path: str) -> bool:
    """Return whether a path is a URL, or not in the repository."""
    return _URL.match(path) is not None or path.startswith(("/", "../")) or path == ".."


def joined(directory: str, path: str) -> str:
    """Return a path of a file in a directory, from the top of the repository."""
    return path if _URL.match(path) or path.startswith("/") else posixpath.normpath(posixpath.join(directory, path))


def stages(lock: Any, pipeline: Any, directory: str) -> Iterator[Stage]:
    """Yield the stages of a `dvc.lock` with what the `dvc.yaml` beside it says of them."""
    listed = mapping(mapping(lock).get("stages"))
    described = mapping(mapping(pipeline).get("stages"))
    for name, stage in listed.items():
        # `train@large` is one of several that are made from the description of `train`.
        known = mapping(described.get(name) or described.get(str(name).partition("@")[0]))
        known = mapping(known.get("do")) or known
        place = joined(directory, str(known.get("wdir") or "."))
        remotes = {joined(place, path): remote for path, remote in _remotes(known)}
        yield Stage(
            name=str(name),
            command=_command(mapping(stage).get("cmd")),
            deps=tuple(outputs(mapping(stage).get("deps"), place)),
            outs=tuple(outputs(mapping(stage).get("outs"), place, remotes)),
            parameters=_parameters(mapping(stage).get("params")),
            metrics=tuple(joined(place, each) for each in paths(known.get("metrics"))),
        )


def outputs(listed: Any, directory: str, remotes: Mapping[str, str] | None = None) -> Iterator[Output]:
    """Yield the outputs or dependencies of a list."""
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("path"), str):
            path = joined(directory, each["path"])
            yield output(each, path, str(each.get("remote") or (remotes or {}).get(path) or "") or None)


def output(known: Mapping[str, Any], path: str, remote: str | None = None) -> Output:
    """Return an output, a dependency, or a file of the list of a directory."""
    cloud = next((each for each in mapping(known.get("cloud")).values() if isinstance(each, Mapping)), {})
    md5, version = str(known.get("md5") or ""), known.get("version_id") or cloud.get("version_id")
    is_object = _HEX.fullmatch(md5.removesuffix(DIRECTORY)) is not None
    files = known.get("files")
    return Output(
        path=path,
        digest=_digest(known, cloud, md5 if is_object else ""),
        size=_count(known.get("size")),
        count=_count(known.get("nfiles")) or (len(files) if isinstance(files, list) else None),
        key=md5 if is_object and version is None else None,
        is_legacy=is_object and "hash" not in known and "relpath" not in known,
        version=str(version) if version is not None else None,
        remote=remote or next(iter(mapping(known.get("cloud"))), None),
        files=tuple(
            output(each, str(each["relpath"]), remote)
            for each in (files if isinstance(files, list) else ())
            if isinstance(each, Mapping) and each.get("relpath")
        ),
    )


def _digest(known: Mapping[str, Any], cloud: Mapping[str, Any], md5: str) -> str | None:
    sha256, etag = str(known.get("sha256") or ""), str(known.get("etag") or cloud.get("etag") or "").strip('"')
    if re.fullmatch("[a-f0-9]{64}", sha256):
        return f"sha256:{sha256}"
    if md5:
        return f"md5-dir:{md5.removesuffix(DIRECTORY)}" if md5.endswith(DIRECTORY) else f"md5:{md5}"
    return f"etag:{etag}" if re.fullmatch("[!-~]{1,128}", etag) else None


def _parameters(files: Any) -> dict[str, Any]:
    """Return the parameters of a stage; of a name that several files have, the first one counts."""
    found: dict[str, Any] = {}
    for values in mapping(files).values():
        for name, value in mapping(values).items():
            found.setdefault(str(name), value)
    return found


def _remotes(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the outputs of a stage that have a remote of their own."""
    listed = known.get("outs")
    for each in listed if isinstance(listed, list) else ():
        for path, options in mapping(each).items():
            if remote := mapping(options).get("remote"):
                yield str(path), str(remote)


def paths(listed: Any) -> Iterator[str]:
    """Yield paths of a list, in which each is a text, or an object with the path as its only name."""
    for each in listed if isinstance(listed, list) else ():
        yield from (str(path) for path in (each if isinstance(each, Mapping) else (each,)))


def _command(value: Any) -> str:
    return " && ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
