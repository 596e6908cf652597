"""Files that Git LFS keeps: the pointer in the repository has their sha256 and their size.

The bytes are in the directory `lfs` of a local repository, or `git lfs smudge` brings them.
"""

import asyncio
import re
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from pennant.registries.git.repository import CHUNK, Repository, ended
from pennant.registries.protocol import RegistryError

LARGEST_POINTER = 1024
"""Bytes of a pointer, by the specification of LFS."""
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-\d-[^\n]+\n)*oid sha256:([a-f0-9]{64})\nsize (\d{1,18})\n?"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands in the repository for a file of Git LFS."""

    sha256: str
    size: int


REMEDY = (
    "The object of Git LFS is damaged: remove its file below .git/lfs/objects, and run `git lfs fetch --all` in the "
    "repository"
)


def pointer(content: bytes) -> Pointer | None:
    """Return the pointer that a file is; None: it is a file of its own."""
    found = _POINTER.fullmatch(content) if len(content) <= LARGEST_POINTER else None
    return Pointer(found[1].decode(), int(found[2])) if found is not None else None


async def chunks(repository: Repository, one: Pointer, path: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a file of Git LFS; raises `RegistryError` where they are not there and cannot be fetched."""
    common = Path((await repository.run("rev-parse", "--git-common-dir")).rstrip("\n"))
    stored = repository.directory / common / "lfs" / "objects" / one.sha256[:2] / one.sha256[2:4] / one.sha256
    if stored.is_file():
        with stored.open("rb") as file:
            while part := await asyncio.to_thread(file.read, CHUNK):
                yield part
        return
    async for part in _smudged(repository, one, path):
        yield part


async def _smudged(repository: Repository, one: Pointer, path: str) -> AsyncIterator[bytes]:
    """Yield what git-lfs brings, which keeps it in a temporary directory and not in the repository."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{one.sha256}\nsize {one.size}\n".encode()
    with tempfile.TemporaryDirectory(prefix="pennant-import-") as kept:
        process = await repository.started("-c", f"lfs.storage={kept}", "lfs", "smudge", "--", path, stderr=PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(process.stderr.read())
        try:
            process.stdin.write(text)
            process.stdin.close()
            part = await process.stdout.read(CHUNK)
            # Without the bytes, git-lfs may give the pointer back.
            is_there = bool(part) and not part.startswith(text[:40])
            while is_there and part:
                yield part
                part = await process.stdout.read(CHUNK)
            if await process.wait() or not is_there:
                said = " ".join((await errors).decode(errors="replace").split())[:300] or "git lfs gives nothing"
                raise RegistryError(
                    f"the bytes of {path} are in Git LFS and cannot be fetched: {said}. Install git-lfs, or clone the "
                    "repository, run `git lfs fetch --all` there and give its path with --from"
                )
        finally:
            errors.cancel()
            await ended(process)
