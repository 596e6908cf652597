"""What became of each version of a registry, and the summary at the end."""

from collections import Counter
from dataclasses import dataclass, field

import click

from pennant.cli import output
from pennant.cli.errors import AlreadyTold
from pennant.record.artifacts import Strength, strength_of
from pennant.registries.importing import Outcome
from pennant.registries.protocol import FoundVersion


@dataclass(slots=True)
class Tally:
    """Counts outcomes, and tells each error when it occurs. Implements `Telling`."""

    is_dry: bool = False
    is_verified: bool = False
    """Whether the digests are computed from the bytes."""
    counts: Counter[Outcome] = field(default_factory=Counter)
    digests: Counter[Strength] = field(default_factory=Counter)
    """What the digests of the artefacts of imported versions are worth."""

    def failed(self, what: str, why: str) -> None:
        """Count a version that cannot be imported, and say why. The others go on."""
        self.counts[Outcome.FAILED] += 1
        click.echo(f"error: {what}: {why}", err=True)

    def skipped(self, what: str, why: str) -> None:
        """Count a version that has nothing to import, and say why."""
        self.counts[Outcome.SKIPPED] += 1
        output.warn(f"{what} is skipped: {why}")

    def done(self, what: str, found: FoundVersion, outcome: Outcome) -> None:
        """Count a version and its digests, and say what its record does not have."""
        self.counts[outcome] += 1
        if outcome is not Outcome.IMPORTED:
            return
        for artifact in found.record.get("artifacts", ()):
            known = artifact.get("digest") or artifact.get("manifestDigest")
            self.digests[Strength.VERIFIED if self.is_verified else strength_of(known)] += 1
        for each in found.unknown:
            output.warn(f"{what}: {each}")

    def warned(self, sentence: str) -> None:
        """Say what a user should know."""
        output.warn(sentence)

    @property
    def said(self) -> str:
        """The counts in words."""
        return ", ".join(f"{self.counts[each]} {each}" for each in Outcome if self.counts[each] or each == "imported")

    def end(self) -> None:
        """Print the counts; raises `AlreadyTold` where a version failed."""
        again = (
            ". Follow the errors above; the same command then imports the rest" if self.counts[Outcome.FAILED] else ""
        )
        if self.digests:
            worth = ", ".join(f"{count} {each}" for each, count in sorted(self.digests.items()))
            hint = "; --verify computes them" if self.digests.keys() - {Strength.VERIFIED} else ""
            click.echo(f"digests of artefacts: {worth}{hint}", err=True)
        click.echo(f"{self.said}{' (dry run)' if self.is_dry else ''}{again}", err=True)
        if self.counts[Outcome.FAILED]:
            raise AlreadyTold()
