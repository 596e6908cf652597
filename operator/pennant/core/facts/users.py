"""The authenticated users behind a change, as the admission policies of `governance.stamp` write them in annotations.

They may be believed only where the policies are installed: any client can write annotations otherwise.

The policies are templates of the chart (`governance-stamp.yaml`, `governance-promote.yaml`). They also decide who may
promote, and in `governance-holds.yaml` who may delete a version with a legal hold. What they keep is part of what this
module relies on.

Rule: R150, R152, R153, R154, R157.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api import GROUP
from pennant.api.meta import NAME, printable
from pennant.core.facts.digest import short_hash

CREATED_BY = f"{GROUP}/created-by"
CHANGED_BY = f"{GROUP}/changed-by"
VERSION_BY = f"{GROUP}/version-by"
PAUSED_BY = f"{GROUP}/paused-by"
COMMANDED_BY = f"{GROUP}/commanded-by"
TAGGED_BY = f"tagged-by.{GROUP}/"
"""Before the name of a tag: each tag has an annotation of its own, because different users may move them."""


@dataclass(frozen=True, slots=True)
class Users:
    """The users who last changed parts of a ModelDeployment; empty: not known."""

    changed: str = ""
    """Who last changed the spec, other than `paused` and `replicas`."""
    paused: str = ""
    """Who last changed `spec.paused`."""
    commanded: str = ""
    """Who last changed an annotation of a command."""
    version: str = ""
    """Who last changed `spec.version`."""


UNKNOWN = Users()


def of_deployment(annotations: Mapping[str, Any]) -> Users:
    """Return the users in the annotations of a ModelDeployment."""
    return Users(*(_name(annotations, each) for each in (CHANGED_BY, PAUSED_BY, COMMANDED_BY, VERSION_BY)))


def creator(annotations: Mapping[str, Any]) -> str:
    """Return who created a ModelVersion; empty: not known."""
    return _name(annotations, CREATED_BY)


def of_tags(annotations: Mapping[str, Any], tags: Iterable[str]) -> dict[str, str]:
    """Return who put each of these tags on a ModelVersion, without those that are not known."""
    named = {each: _name(annotations, f"{TAGGED_BY}{each}") for each in tags}
    return {tag: user for tag, user in named.items() if user}


def _name(annotations: Mapping[str, Any], annotation: str) -> str:
    name = printable(str(annotations.get(annotation, "")))
    # Two long names must not become one.
    return name if len(name) <= NAME else f"{name[: NAME - 14]}… {short_hash(name)}"
