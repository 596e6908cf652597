"""The API server's audit log: the requests of one account, and a check that its writes have preconditions.

Rule: R16.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
READS = ("get", "list", "watch")
# No object ever has this resourceVersion, so an apply with it creates or fails.
NO_OBJECT = "1"
# They are never stored: an answer is all that comes of them.
QUESTIONS = ("authorization.k8s.io", "authentication.k8s.io")


@dataclass(slots=True)
class AuditLog:
    """The requests of one account; each line of the file is read once."""

    path: Path
    user: str
    read_to: int = 0
    entries: list[Entry] = field(default_factory=list)
    _writes: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def from_now_on(cls, path: Path, user: str) -> "AuditLog":
        """Return a log that begins at the present end of the file."""
        return cls(path, user, size(path))

    def requests(self) -> Sequence[Entry]:
        """Return the requests so far without their bodies, which may be large; `writes` reads them again."""
        for line in lines(self.path, self.read_to):
            self.read_to += len(line)
            if (entry := _of(self.user, line)) is not None:
                entry.pop("requestObject", None)
                self.entries.append(entry)
                if entry["verb"] not in READS:
                    self._writes[entry.get("objectRef", {}).get("namespace", "")].append(entry)
        return self.entries

    def writes_in(self, namespace: str) -> Sequence[Entry]:
        """Return the mutating requests in a namespace so far, without their bodies."""
        self.requests()
        return self._writes[namespace]

    def writes(self, since: int) -> Iterator[Entry]:
        """Yield the mutating requests from this byte of the file on, with their bodies."""
        for line in lines(self.path, since):
            entry = _of(self.user, line)
            if entry is not None and entry["verb"] not in READS:
                yield entry


def size(path: Path) -> int:
    """Return how many bytes the log has now."""
    return path.stat().st_size


def lines(path: Path, since: int) -> Iterator[bytes]:
    """Yield the whole lines of the log from this byte on."""
    with path.open("rb") as file:
        file.seek(since)
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _of(user: str, line: bytes) -> Entry | None:
    """Return the entry of a line; None where it is of another account."""
    if user.encode() not in line:
        return None
    entry: Entry = json.loads(line)
    return entry if entry["user"]["username"] == user else None


def without_precondition(writes: Iterable[Entry]) -> list[str]:
    """Return for each write without a precondition what it lacks."""
    return [f"{described(each)}: {wrong}" for each in writes if (wrong := fault(each))]


def described(entry: Entry) -> str:
    """Return verb, URI and code of a request, for messages."""
    return f"{entry['verb']} {entry['requestURI']} ({entry['responseStatus']['code']})"


def is_tried_only(entry: Entry) -> bool:
    """Return whether a request is a dry run, which stores nothing."""
    return "dryRun=All" in entry["requestURI"]


def fault(entry: Entry) -> str:
    """Return which precondition a mutating request lacks; empty where it has all."""
    verb, reference = entry["verb"], entry.get("objectRef", {})
    if reference.get("apiGroup") in QUESTIONS or is_tried_only(entry):
        return ""
    body = entry.get("requestObject")
    if body is None:
        # What is turned away before it is read changes nothing.
        return "" if verb != "delete" and entry["responseStatus"]["code"] >= 400 else "nothing was sent"
    match verb:
        case "create":
            # Two creations of one thing must not both succeed; an Event is told as often as it happens.
            named = body["metadata"].get("name") or reference["resource"] == "events"
            return "" if named else "it has no name of its own"
        case "update" | "patch" | "delete":
            return "" if _creates_only(verb, body) else _missing(_preconditions(verb, body))
        case _:
            return f"{verb} has no precondition"


def _preconditions(verb: str, body: Any) -> Mapping[str, Any]:
    if isinstance(body, list):
        return _tested(body)
    return body.get("preconditions" if verb == "delete" else "metadata") or {}


def _creates_only(verb: str, body: Any) -> bool:
    """Return whether this is an apply that fails where the object exists."""
    if verb != "patch" or isinstance(body, list):
        return False
    metadata = body.get("metadata") or {}
    return "kind" in body and "uid" not in metadata and metadata.get("resourceVersion") == NO_OBJECT


def _tested(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the metadata that a JSON patch tests or replaces: the API server accepts their present values alone."""
    head = "/metadata/"
    said = (each for each in operations if each["op"] in ("test", "replace") and each["path"].startswith(head))
    return {each["path"].removeprefix(head): each.get("value") for each in said}


def _missing(preconditions: Mapping[str, Any]) -> str:
    missing = [name for name in ("uid", "resourceVersion") if not preconditions.get(name)]
    return f"it does not name {' and '.join(missing)}" if missing else ""
