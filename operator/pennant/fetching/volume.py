"""The directory of the artefacts: what has its name there is whole, and has the digest of the record.

An artefact is written below `.pennant/` and renamed when it is whole. What is there already is hashed again, because
others may write the claim.

Rule: R163.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pennant.fetching.budget import Budget
from pennant.fetching.content import write
from pennant.fetching.download import Downloads, at_the_volume, size_of
from pennant.fetching.progress import Progress, say
from pennant.fetching.signatures import NONE, Signatures
from pennant.fetching.unpack import unpack
from pennant.fetching.wanted import Wanted
from pennant.record import hashing
from pennant.record.errors import RegisterError
from pennant.record.progress import Silent

OWN = ".pennant"
"""The directory of what is not whole yet."""
LOCK_SECONDS = 600.0
"""Time to wait for another pod that fetches the same artefact; after that, this pod fetches it too."""
LOOK_SECONDS = 0.5
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Volume:
    """A directory that artefacts are delivered into."""

    def __init__(self, root: Path, budget: Budget, signatures: Signatures) -> None:
        """Take the directory, and the bytes that all artefacts together may have."""
        self._root, self._own, self._budget, self._signatures = root, root / OWN, budget, signatures

    def deliver(self, artifact: Wanted) -> Path:
        """Return where an artefact is; it is fetched if it is not there as a whole. Raises `FetchError`."""
        target, key = self._root / artifact.target, artifact.target.replace("/", "_")
        progress = Progress(artifact.name)
        downloads = Downloads(progress, self._budget)
        with at_the_volume():
            self._own.mkdir(parents=True, exist_ok=True)
            with self._locked(artifact, key) as suffix:
                if self._is_whole(artifact, target, key):
                    self._budget.take(size_of(target))
                    if not _has_own_list(artifact, target):
                        self._signatures.check(artifact, target, self._own, downloads)
                    say(f"{artifact.name}: {target} is there, with the digest of the record")
                    return target
                say(f"{artifact.name}: fetching {artifact.shown}")
                part = self._own / f"{key}{suffix}.part"
                write(artifact, part, downloads)
                self._signatures.check(artifact, part, self._own, downloads)
                if artifact.is_unpacked:
                    part = self._unpacked(part, downloads)
                self._put(part, target, key, artifact)
        progress.end(f"{target} has the digest of the record" if artifact.digest is not None else str(target))
        return target

    def _unpacked(self, archive: Path, downloads: Downloads) -> Path:
        content = archive.with_suffix(".unpacked")
        shutil.rmtree(content, ignore_errors=True)
        content.mkdir()
        unpack(archive, content, self._budget)
        downloads.forget(archive)
        return content

    def _put(self, part: Path, target: Path, key: str, artifact: Wanted) -> None:
        """Give a whole artefact its name, in one step."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if _has_own_list(artifact, part):
            known = (str(artifact.digest), hashing.of_path(part, Silent()).digest, self._signatures.signer)
            self._list(key).write_text("\n".join(known))
        if target.exists():
            old = self._own / f"{key}-{uuid.uuid4().hex}.old"
            target.rename(old)
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        part.rename(target)

    def _is_whole(self, artifact: Wanted, target: Path, key: str) -> bool:
        """Return whether an artefact is there, with the digest of the record."""
        if artifact.digest is None or not target.exists():
            return False
        try:
            if not _has_own_list(artifact, target):
                return _digest(target, artifact) == artifact.digest
            known = self._list(key).read_text().split() if self._list(key).is_file() else []
            expected = [artifact.digest, hashing.of_path(target, Silent()).digest, self._signatures.signer]
            return known[:2] == expected[:2] and self._signatures.signer in (NONE, *known[2:])
        except RegisterError as error:
            say(f"{artifact.name}: {error}; it is fetched again")
            return False

    def _list(self, key: str) -> Path:
        """Return the file with the digest of an artefact, that of the list of its files, and whose signature it has."""
        return self._own / f"{key}.files"

    @contextmanager
    def _locked(self, artifact: Wanted, key: str) -> Iterator[str]:
        """Keep other pods from fetching the same artefact; yield what the name of an unfinished file ends with."""
        file = os.open(self._own / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            yield "" if _lock(file, artifact.name) else f"-{uuid.uuid4().hex}"
        finally:
            os.close(file)


def _lock(file: int, name: str) -> bool:
    """Lock a file; return False where that is not possible, or another pod does not release it in time."""
    deadline, told = time.monotonic() + LOCK_SECONDS, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                say(f"{name}: another pod has been fetching it for {LOCK_SECONDS:g} s; it is fetched here too")
                return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        if not told:
            say(f"{name}: another pod fetches it; waiting")
            told = True
        time.sleep(LOOK_SECONDS)


def _has_own_list(artifact: Wanted, place: Path) -> bool:
    """Return whether the digest of the record is not that of the files, but of what they were made of."""
    return place.is_dir() and not artifact.is_directory


def _digest(place: Path, artifact: Wanted) -> str:
    if artifact.is_directory:
        return hashing.of_path(place, Silent()).digest
    algorithm = (artifact.digest or "").partition(":")[0]
    with place.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
