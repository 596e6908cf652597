"""A Git repository on this machine, read object by object through one process of git. Nothing is written."""

import asyncio
import posixpath
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pennant.api.meta import clip
from pennant.registries.git import objects
from pennant.registries.git.objects import Annotation, Commit, Entry
from pennant.registries.protocol import NoAccess, Unreadable

CHUNK = 1024 * 1024
LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read as a whole."""
KEPT_TREES = 256
"""Directories that are kept in memory. Neighbouring versions share most of theirs."""
DEEPEST = 5
"""Tags of tags that are followed."""
SECONDS = 3600.0
"""How long git may take for one command, such as to fetch all tags."""
NOT_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_PREFIX")
"""Variables that a hook of git sets: they would lead to the repository of the hook."""
_FORMAT = "%(refname:strip=2)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(creatordate:unix)"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the repository."""

    name: str
    object: str
    """Hash of the annotated tag, or of the commit."""
    is_annotated: bool
    target: str
    """What it leads to: the hash of a commit."""
    kind: str
    """The kind of the target: `commit`, or one that is no version."""
    at: datetime
    """When the tag was made, or the commit if the tag is not annotated."""


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which git runs: it asks nothing, and reads the objects as they are."""
    kept = {name: value for name, value in variables.items() if name not in NOT_INHERITED}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}


class Repository:
    """Reads the tags, commits and files of a repository."""

    def __init__(self, directory: Path, variables: Mapping[str, str], absent: frozenset[str] = frozenset()) -> None:
        """Read the repository in `directory`; `absent` are large files that a server sends only when they are read."""
        self.directory = directory
        self.absent = absent
        self._variables = environment(variables)
        self._contents, self._sizes = _Asked(self, "--batch"), _Asked(self, "--batch-check")
        self._trees: OrderedDict[str, Mapping[str, Entry]] = OrderedDict()

    async def close(self) -> None:
        """End the processes of git."""
        await self._contents.close()
        await self._sizes.close()

    async def run(self, *arguments: str) -> str:
        """Return what git prints; raises `Unreadable` with what it says where it fails."""
        process = await self.started(*arguments, stderr=PIPE)
        try:
            said, error = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError as late:
            raise Unreadable(f"git {arguments[0]} takes longer than {SECONDS:.0f} seconds") from late
        finally:
            await ended(process)
        if process.returncode:
            raise Unreadable(clip(" ".join(error.decode(errors="replace").split()), 400) or f"git {arguments[0]} fails")
        return said.decode(errors="surrogateescape")

    async def tags(self) -> list[Tag]:
        """Return all tags by name."""
        lines = (await self.run("for-each-ref", f"--format={_FORMAT}", "refs/tags")).split("\n")
        found = []
        for name, number, kind, target, target_kind, seconds in (each.split("\0") for each in lines if each):
            at = datetime.fromtimestamp(int(seconds or 0), UTC)
            leads_to = (target, target_kind) if kind == "tag" else (number, kind)
            found.append(Tag(name, number, kind == "tag", *leads_to, at))
        return [await self._peeled(each) if each.kind == "tag" else each for each in found]

    async def _peeled(self, tag: Tag) -> Tag:
        """Return a tag of a tag with what the last one leads to."""
        target, kind = tag.target, tag.kind
        for _ in range(DEEPEST):
            if kind != "tag":
                break
            inner = await self.annotation(target)
            target, kind = inner.target, inner.kind
        return replace(tag, target=target, kind=kind)

    async def commit(self, number: str) -> Commit:
        """Return a commit."""
        return objects.commit(await self._object(number, "commit"))

    async def annotation(self, number: str) -> Annotation:
        """Return an annotated tag."""
        return objects.annotation(await self._object(number, "tag"))

    async def entries(self, tree: str) -> Mapping[str, Entry]:
        """Return what a directory has, by name."""
        if tree in self._trees:
            self._trees.move_to_end(tree)
            return self._trees[tree]
        found = objects.tree(await self._object(tree, "tree"), len(tree))
        self._trees[tree] = found
        if len(self._trees) > KEPT_TREES:
            self._trees.popitem(last=False)
        return found

    async def entry(self, tree: str, path: str) -> Entry | None:
        """Return what a path below a directory leads to; None: nothing, or a place outside of the repository."""
        at: Entry | None = Entry(objects.TREE, tree)
        for name in posixpath.normpath(path).split("/") if posixpath.normpath(path) != "." else ():
            if at is None or not at.is_directory:
                return None
            at = (await self.entries(at.object)).get(name)
        return at

    async def files(self, tree: str, under: str = "") -> AsyncIterator[tuple[str, Entry]]:
        """Yield the files below a directory with their paths, sorted by name; links are left out."""
        for name, entry in sorted((await self.entries(tree)).items()):
            path = f"{under}{name}"
            if entry.is_directory:
                async for each in self.files(entry.object, f"{path}/"):
                    yield each
            elif entry.is_file:
                yield path, entry

    async def size(self, entry: Entry) -> int | None:
        """Return the bytes of a file; None: only its server knows."""
        if entry.object in self.absent:
            return None
        return await self._sizes.size(entry.object)

    async def content(self, entry: Entry) -> bytes:
        """Return a small file as a whole; raises `Unreadable` where it is too large."""
        return await self._object(entry.object, "blob")

    async def chunks(self, entry: Entry) -> AsyncIterator[bytes]:
        """Yield the bytes of a file."""
        process = await self.started("cat-file", "blob", entry.object)
        assert process.stdout is not None
        try:
            while part := await process.stdout.read(CHUNK):
                yield part
            if await process.wait():
                raise Unreadable(f"git cannot read the file {entry.object}; fetch it, or run `git fsck` there")
        finally:
            await ended(process)

    async def _object(self, number: str, kind: str) -> bytes:
        return await self._contents.object(number, kind)

    async def started(self, *arguments: str, stderr: int = DEVNULL) -> Process:
        """Start git; raises `NoAccess` where it is not installed. The caller calls `ended` afterwards."""
        command = ("git", "-C", str(self.directory), *arguments)
        try:
            return await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=stderr, env=self._variables, limit=CHUNK
            )
        except FileNotFoundError as error:
            raise NoAccess("reading a Git repository needs git, which is not installed") from error


class _Asked:
    """A process of `git cat-file` that answers for one object after the other."""

    def __init__(self, repository: Repository, option: str) -> None:
        self._repository, self._option = repository, option
        self._process: Process | None = None
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        if (process := self._process) is not None:
            self._process = None
            await ended(process)

    async def size(self, number: str) -> int:
        """Return the bytes of an object."""
        async with self._asking(number) as (size, _, _):
            return size

    async def object(self, number: str, kind: str) -> bytes:
        """Return an object; raises `Unreadable` where there is none of this kind, or it is too large."""
        async with self._asking(number) as (size, its_kind, answer):
            if its_kind != kind:
                raise Unreadable(f"{number} is a {its_kind} of the repository, and not a {kind}")
            if size > LARGEST:
                raise Unreadable(f"the {kind} {number} has {size} bytes; at most {LARGEST} are read")
            return (await answer.readexactly(size + 1))[:-1]

    @asynccontextmanager
    async def _asking(self, number: str) -> AsyncIterator[tuple[int, str, StreamReader]]:
        async with self._lock:
            if self._process is None:
                self._process = await self._repository.started("cat-file", self._option)
            question, answer = self._process.stdin, self._process.stdout
            assert question is not None
            assert answer is not None
            try:
                question.write(f"{number}\n".encode())
                await question.drain()
                head = (await answer.readline()).decode().split()
                if len(head) != 3:
                    raise Unreadable(f"the repository does not have {number}; fetch it, or run `git fsck` there")
                yield int(head[2]), head[1], answer
            except (OSError, asyncio.IncompleteReadError) as error:
                await self.close()
                raise Unreadable(f"git ends while it reads {number}; run `git fsck` in the repository") from error
            except BaseException:
                # What it still prints belongs to this question, so the next one is asked of another process.
                await self.close()
                raise


async def ended(process: Process) -> None:
    """End a process and wait for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    # What it printed meanwhile is read, so that its pipes are closed.
    await process.communicate()
