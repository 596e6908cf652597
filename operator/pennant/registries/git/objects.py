"""What the objects of a Git repository say: commits, annotated tags and trees, in the bytes that git stores."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pennant.registries.protocol import Unreadable

TREE, LINK, MODULE = "40000", "120000", "160000"
"""Modes of entries that are no files: a directory, a symbolic link, a commit of another repository."""
_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d{1,12})(?: [+-]\d{4})?")
_SIGNATURE = re.compile(r"^-----BEGIN (PGP|SSH|SIGNED) (?:SIGNATURE|MESSAGE)-----$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Person:
    """Who made a commit or a tag, and when."""

    name: str
    email: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit."""

    tree: str
    author: Person | None
    committer: Person | None
    message: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotated tag."""

    target: str
    """What it is a tag of."""
    kind: str
    """The kind of the target: `commit`, `tag`, `tree` or `blob`."""
    tagger: Person | None
    message: str
    """Without the signature."""
    signature: str | None
    """The kind of the signature, which is not verified: `PGP`, `SSH` or `SIGNED` (X.509)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a path leads to."""

    mode: str
    object: str
    """Hash of the file or of the directory."""

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.mode == TREE

    @property
    def is_file(self) -> bool:
        """Whether it is a file with bytes of its own."""
        return self.mode not in (TREE, LINK, MODULE)


def commit(data: bytes) -> Commit:
    """Return a commit; raises `Unreadable` where the bytes are none."""
    headers, message = _parts(data)
    if "tree" not in headers:
        raise Unreadable("a commit has no tree; run `git fsck` in the repository")
    return Commit(headers["tree"], _person(headers.get("author")), _person(headers.get("committer")), message)


def annotation(data: bytes) -> Annotation:
    """Return an annotated tag; raises `Unreadable` where the bytes are none."""
    headers, message = _parts(data)
    if not {"object", "type"} <= headers.keys():
        raise Unreadable("a tag has no object; run `git fsck` in the repository")
    signature = _SIGNATURE.search(message)
    text = message[: signature.start()] if signature is not None else message
    kind = signature[1] if signature is not None else None
    return Annotation(headers["object"], headers["type"], _person(headers.get("tagger")), text.strip(), kind)


def tree(data: bytes, digits: int) -> Mapping[str, Entry]:
    """Return the entries of a directory by name, given the hexadecimal digits of a hash of the repository."""
    found: dict[str, Entry] = {}
    length, place = digits // 2, 0
    while place < len(data):
        space, end = data.find(b" ", place), data.find(b"\0", place)
        if not place < space < end or end + length >= len(data):
            raise Unreadable("a directory of the repository is damaged; run `git fsck`")
        name = data[space + 1 : end].decode(errors="surrogateescape")
        found[name] = Entry(data[place:space].decode("ascii", "replace"), data[end + 1 : end + 1 + length].hex())
        place = end + 1 + length
    return found


def _parts(data: bytes) -> tuple[Mapping[str, str], str]:
    """Return the headers and the message. Of a header that occurs twice the first one counts."""
    head, _, body = data.partition(b"\n\n")
    headers: dict[str, str] = {}
    for line in head.decode(errors="replace").split("\n"):
        # A signature has several lines, which begin with a space.
        if line and not line.startswith(" "):
            name, _, value = line.partition(" ")
            headers.setdefault(name, value)
    try:
        return headers, body.decode(headers.get("encoding", "utf-8"), "replace").strip()
    except LookupError:
        return headers, body.decode(errors="replace").strip()


def _person(text: str | None) -> Person | None:
    found = _PERSON.fullmatch(text or "")
    if found is None:
        return None
    try:
        at = datetime.fromtimestamp(int(found["seconds"]), UTC)
    except (ValueError, OverflowError, OSError):
        at = None
    return Person(found["name"].strip(), found["email"].strip(), at)
