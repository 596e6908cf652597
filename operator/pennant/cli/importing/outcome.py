"""What became of each version of a registry, and the summary at the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import click

from pennant.cli import output
from pennant.cli.errors import AlreadyTold
from pennant.record.artifacts import Strength
from pennant.registries.changes import Changes

MOST_PATHS = 8
"""Fields that a sentence names."""


class Outcome(StrEnum):
    """What became of a version."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(slots=True)
class Tally:
    """Counts outcomes, and tells each error when it occurs."""

    is_dry: bool = False
    counts: Counter[Outcome] = field(default_factory=Counter)
    digests: Counter[Strength] = field(default_factory=Counter)
    """What the digests of the artefacts of imported versions are worth."""

    def add(self, outcome: Outcome) -> None:
        """Count a version."""
        self.counts[outcome] += 1

    def failed(self, what: str, why: str) -> None:
        """Count a version that cannot be imported, and say why. The others go on."""
        self.add(Outcome.FAILED)
        click.echo(f"error: {what}: {why}", err=True)

    def skipped(self, what: str, why: str) -> None:
        """Count a version that has nothing to import, and say why."""
        self.add(Outcome.SKIPPED)
        output.warn(f"{what} is skipped: {why}")

    @property
    def said(self) -> str:
        """The counts in words."""
        return ", ".join(f"{self.counts[each]} {each}" for each in Outcome if self.counts[each] or each == "imported")

    def end(self) -> None:
        """Print the counts; raises `AlreadyTold` where a version failed."""
        again = ". Run the same command again to import the rest" if self.counts[Outcome.FAILED] else ""
        if self.digests:
            worth = ", ".join(f"{count} {each}" for each, count in sorted(self.digests.items()))
            hint = "; --verify computes them" if self.digests.keys() - {Strength.VERIFIED} else ""
            click.echo(f"digests of artefacts: {worth}{hint}", err=True)
        click.echo(f"{self.said}{' (dry run)' if self.is_dry else ''}{again}", err=True)
        if self.counts[Outcome.FAILED]:
            raise AlreadyTold()


def paths(names: Sequence[str]) -> str:
    """Return the paths of fields as a list that a sentence can have."""
    rest = len(names) - MOST_PATHS
    listed = ", ".join(f"spec.{each}" for each in names[:MOST_PATHS])
    return f"{listed} and {rest} more" if rest > 0 else listed


def contradiction(name: str, where: str, found: Changes) -> str:
    """Return the error for a version that changed under its number."""
    return (
        f"the registry says something else than {where}, in {paths(found.changed)}. A record does not change: register "
        f"a new version in the registry, or, if nothing serves {name}, delete it and import it again"
    )


def addition(name: str, found: Changes) -> str:
    """Return what a user should know of a record that is kept; empty: there is nothing."""
    said = []
    if found.only_found:
        said.append(f"the registry now also has {paths(found.only_found)}, and the record does not change")
    if found.only_there:
        said.append(f"the registry no longer has {paths(found.only_there)}, and the record keeps it")
    return f"{name}: {'; '.join(said)}" if said else ""
