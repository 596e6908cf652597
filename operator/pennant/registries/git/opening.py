"""Opens a Git repository: a checkout or a bare repository of this machine, or a URL whose tags are fetched.

What is fetched goes into a temporary directory: the commits that have a tag, without their history, and their files,
except for large ones. Credentials are those of git.
"""

import os
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pennant.record.secrecy import without_credentials
from pennant.registries.catalogue import Given
from pennant.registries.git.repository import Repository
from pennant.registries.protocol import NoAccess, Unreadable

LARGEST_FETCHED = "1m"
"""Size of files that are fetched with the tags; larger ones are fetched when they are read."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SHORT = re.compile(r"(?P<host>[\w.-]+@[\w.-]+|[\w.-]{2,}):(?!//)(?P<path>.+)")
"""An address as ssh has it, such as `git@git.example:shop/fraud.git`."""


@dataclass(frozen=True, slots=True)
class Address:
    """What `--from` says of a repository."""

    location: str
    """A path or a URL."""
    part: str | None = None
    """What follows a `#`: a path in the repository."""

    @classmethod
    def of(cls, text: str | None) -> "Address":
        """Return the parts of an address; without one it is the current directory."""
        if text is None or Path(text).exists():
            return cls(text or ".")
        location, _, part = text.partition("#")
        return cls(location or ".", part or None)


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository that can be read."""

    repository: Repository
    url: str
    """Where others find it: the URL of its origin, or of the path if it has none; without credentials."""
    checkout: Path | None
    """The top of its work tree on this machine; None: there is none."""

    def uri(self, commit: str, path: str = "") -> str:
        """Return the address of a file or a directory at a commit, as SPDX writes it."""
        short = _SHORT.fullmatch(self.url)
        url = f"ssh://{short['host']}/{short['path'].lstrip('/')}" if short is not None else self.url
        prefix = "" if url.startswith("git://") else "git+"
        return f"{prefix}{url}@{commit}{f'#{quote(path)}' if path not in ('', '.') else ''}"


@asynccontextmanager
async def opened(address: Address, given: Given) -> AsyncIterator[Opened]:
    """Open a repository; raises `NoAccess` where it is none, or cannot be read."""
    path = _path(address.location)
    if path is not None:
        one = await _of_path(path, given)
        try:
            yield one
        finally:
            await one.repository.close()
        return
    with tempfile.TemporaryDirectory(prefix="pennant-import-") as directory:
        repository = await _fetched(address.location, Path(directory), given.environment)
        try:
            yield Opened(repository, without_credentials(given.repository or address.location), None)
        finally:
            await repository.close()


def _path(location: str) -> Path | None:
    """Return the path of a repository on this machine; None: it is a URL."""
    if location.startswith("file://"):
        return Path(unquote(urlsplit(location).path))
    path = Path(location)
    if path.is_dir():
        return path
    if _URL.match(location) is None and (_SHORT.fullmatch(location) is None or location.startswith("-")):
        raise NoAccess(f"{location} is no directory, and no URL of a Git repository such as https://HOST/PATH.git")
    return None


async def _of_path(path: Path, given: Given) -> Opened:
    if not path.is_dir():
        raise NoAccess(f"{path} is no directory; give the path or the URL of a Git repository with --from")
    repository = Repository(path, given.environment)
    try:
        await repository.run("rev-parse", "--git-dir")
    except Unreadable as error:
        raise NoAccess(f"{path} cannot be read as a Git repository: {error}") from error
    top = await _said(repository, "rev-parse", "--show-toplevel")
    checkout = Path(top) if top else None
    root = checkout or path.resolve()
    origin = given.repository or await _said(repository, "remote", "get-url", "origin")
    return Opened(repository, _shared(origin, root), checkout)


def _shared(origin: str, root: Path) -> str:
    """Return where others find a repository, given its origin, which may be a path or empty."""
    if not origin:
        return root.as_uri()
    if _URL.match(origin) is not None or _SHORT.fullmatch(origin) is not None:
        return without_credentials(origin)
    return Path(os.path.normpath(root / origin)).as_uri()


async def _said(repository: Repository, *arguments: str) -> str:
    """Return what git says in a line; empty where it has nothing to say."""
    try:
        return (await repository.run(*arguments)).rstrip("\n")
    except Unreadable:
        return ""


async def _fetched(url: str, directory: Path, variables: Mapping[str, str]) -> Repository:
    """Return a copy of the tagged commits of a repository, without their large files."""
    repository = Repository(directory, variables)
    await repository.run("init", "--quiet", "--bare")
    await repository.run("config", "remote.origin.url", url)
    options = ("--quiet", "--depth=1", f"--filter=blob:limit={LARGEST_FETCHED}", "--no-recurse-submodules")
    try:
        await repository.run("fetch", *options, "origin", "+refs/tags/*:refs/tags/*")
    except Unreadable as error:
        raise NoAccess(
            f"{without_credentials(url)} cannot be read with git: {_without(url, str(error))}. If `git clone` can read "
            "it, clone it and give the path of the clone with --from"
        ) from error
    if not await repository.run("for-each-ref", "--count=1", "refs/tags"):
        return repository
    listed = await repository.run("rev-list", "--objects", "--missing=print", "--no-object-names", "--tags")
    absent = frozenset(each[1:] for each in listed.split("\n") if each.startswith("?"))
    return Repository(directory, variables, absent)


def _without(url: str, said: str) -> str:
    """Return what git says of a URL without the credentials in it."""
    text = said.replace(url, without_credentials(url))
    password = urlsplit(url).password if _URL.match(url) else None
    return (text.replace(password, "***") if password else text).rstrip(".")
