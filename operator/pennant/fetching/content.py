"""The content of an artefact, written to a place: a file, a directory of files, or the layers of an OCI artifact."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pennant.fetching.download import Downloads
from pennant.fetching.errors import FetchError, Mismatch, Refused
from pennant.fetching.progress import say
from pennant.fetching.sources.choice import source_of
from pennant.fetching.sources.registry import Registry
from pennant.fetching.sources.source import Source
from pennant.fetching.unpack import unpack
from pennant.fetching.wanted import Wanted
from pennant.record import hashing
from pennant.record.errors import RegisterError


@dataclass(frozen=True, slots=True)
class Content:
    """What was written."""

    digest: str
    was_resumed: bool
    """Whether parts of it are of an earlier attempt."""


def write(artifact: Wanted, place: Path, downloads: Downloads) -> None:
    """Write an artefact to a place, as far as it is not there from an earlier attempt.

    Raises `Mismatch` where it has another digest than the record; then the place is empty.

    Rule: R162.
    """
    source = downloads.tried(lambda: source_of(artifact.uri))
    for _ in range(2):
        found = _written(artifact, source, place, downloads)
        if artifact.digest is None:
            say(f"{artifact.name}: has the digest {found.digest}; the record has none to compare it with")
            return
        if found.digest == artifact.digest:
            return
        downloads.forget(place)
        if not found.was_resumed:
            break
        # What was there may be of another file.
        say(f"{artifact.name}: has another digest than the record; it is fetched again from the beginning")
    raise Mismatch(f"has the digest {found.digest}, not {artifact.digest} as recorded ({artifact.shown})")


def _written(artifact: Wanted, source: Source | Registry, place: Path, downloads: Downloads) -> Content:
    if isinstance(source, Registry):
        return _image(artifact, source, place, downloads)
    if artifact.is_directory:
        return _directory(artifact, source, place, downloads)
    algorithm = "sha256" if artifact.digest is None else artifact.digest.partition(":")[0]
    fetched = downloads.fetch(source, "", place, algorithm)
    return Content(f"{algorithm}:{fetched.digest}", fetched.was_resumed)


def _directory(artifact: Wanted, source: Source, place: Path, downloads: Downloads) -> Content:
    names = sorted(downloads.tried(source.files))
    if not names:
        raise FetchError(f"there is no file below {artifact.shown}")
    for each in names:
        check_name(each)
    fetched = {each: downloads.fetch(source, each, place / each, "sha256") for each in names}
    _remove_others(place, names)
    digest = hashing.of_list({name: each.digest for name, each in fetched.items()})
    return Content(digest, any(each.was_resumed for each in fetched.values()))


def _image(artifact: Wanted, registry: Registry, place: Path, downloads: Downloads) -> Content:
    """Write the layers of an OCI artifact, each of which the manifest names by its digest."""
    manifest = downloads.tried(lambda: registry.manifest(artifact.digest))
    if artifact.digest is not None and manifest.digest != artifact.digest:
        return Content(manifest.digest, was_resumed=False)
    blobs = place.with_name(f"{place.name}.blobs")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for layer in manifest.layers:
        blob = blobs / layer.digest.replace(":", "-")
        algorithm, _, value = layer.digest.partition(":")
        if downloads.fetch(registry, layer.digest, blob, algorithm).digest != value:
            downloads.forget(blob)
            raise Mismatch(f"has a layer with another digest than {layer.digest}, which its manifest names")
        if layer.file is None:
            unpack(blob, place, downloads.budget)
            downloads.forget(blob)
            continue
        check_name(layer.file)
        (place / layer.file).parent.mkdir(parents=True, exist_ok=True)
        blob.rename(place / layer.file)
    shutil.rmtree(blobs, ignore_errors=True)
    return Content(manifest.digest, was_resumed=False)


def check_name(path: str) -> None:
    """Raise `Refused` for the path of a file that leads elsewhere."""
    try:
        hashing.check_name(path)
    except RegisterError as error:
        raise Refused(str(error)) from error


def _remove_others(place: Path, names: Iterable[str]) -> None:
    """Remove the files of an earlier attempt that the artefact does not have any more."""
    known = set(names)
    for each in place.rglob("*"):
        if not each.is_dir() and each.relative_to(place).as_posix() not in known:
            each.unlink()
