"""What a tag and its commit say of a version: author, time, reason, code. Nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import rfc3339
from pennant.registries import fields
from pennant.registries.git.objects import Annotation, Commit, Person
from pennant.registries.git.repository import Tag
from pennant.registries.notes import Notes

LOCAL = (
    "the repository has no origin that others can read, so the record has a path of this machine; give its URL with "
    "--repository"
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """A tag, its commit, and where the repository is."""

    tag: Tag
    annotation: Annotation | None
    """None: the tag is not annotated."""
    commit: Commit
    url: str
    entry: str | None = None
    """Path of the program that trained the version."""
    generated: str | None = None
    """A message of the tag that says no reason, because a program wrote it."""


def provenance(known: Provenance, notes: Notes) -> dict[str, Any]:
    """Return author, time, reason and code, as fields of a record."""
    # A tag of an early git has no time.
    found: dict[str, Any] = {"createdAt": rfc3339(known.tag.at)} if known.tag.at.timestamp() > 0 else {}
    if reason := _reason(known):
        found["reason"] = notes.line(reason, 1024, "the message")
    if (author := known.commit.author) is not None and (author.name or author.email):
        name = notes.line(author.name or author.email, 63, "the name of the author")
        found["author"] = {"name": name, **({"email": author.email[:256]} if author.email else {})}
    code = {"repository": known.url[:2048], "commit": known.tag.target, "tag": known.tag.name[:256]}
    found["code"] = {**code, **({"path": known.entry} if known.entry and len(known.entry) <= 256 else {})}
    if known.url.startswith("file:"):
        notes.add(LOCAL)
    return found


def _reason(known: Provenance) -> str:
    """Return what the tag says, or else what the commit says."""
    said = known.annotation.message if known.annotation is not None else ""
    return (said if said != known.generated else "") or known.commit.message


def source(known: Provenance, registry: str, model: str, version: str, more: Mapping[str, Any], notes: Notes) -> Any:
    """Return `spec.source`; `more` are other values without fields of their own, the most specific first."""
    commit, annotation = known.commit, known.annotation
    values = {
        **more,
        "tagger": _shown(annotation.tagger) if annotation is not None else "",
        "tag.signature": annotation.signature if annotation is not None else "",
        "commit.message": commit.message if commit.message != _reason(known) else "",
        "commit.committer": _shown(commit.committer) if commit.committer != commit.author else "",
        "commit.authoredAt": rfc3339(commit.author.at) if commit.author is not None and commit.author.at else "",
    }
    return {
        "registry": registry,
        "instance": known.url[:2048],
        "modelName": model[:256],
        "version": version[:256],
        "id": known.tag.object,
        "annotations": fields.annotations(values, notes),
    }


def _shown(person: Person | None) -> str:
    return f"{person.name} <{person.email}>" if person is not None else ""
