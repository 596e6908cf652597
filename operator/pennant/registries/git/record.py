"""What a tag of a Git repository says of a version, in the words of the record. Nothing is read here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pennant.registries import fields, flat
from pennant.registries.git import evidence, provenance
from pennant.registries.git.evidence import Evidence
from pennant.registries.git.provenance import Provenance
from pennant.registries.notes import Notes


@dataclass(frozen=True, slots=True)
class Facts:
    """What the repository says of a version."""

    model: str
    version: str
    provenance: Provenance
    artifact: Mapping[str, Any]
    evidence: Evidence
    parent: str | None
    aliases: tuple[str, ...]


def record(facts: Facts, notes: Notes) -> dict[str, Any]:
    """Return the fields of the record that the repository can fill."""
    known = facts.evidence
    environments = [evidence.environment(path, content, notes) for path, content in known.lock.items()]
    more = {"aliases": ",".join(facts.aliases)}
    found = {
        **provenance.provenance(facts.provenance, notes),
        "parent": facts.parent,
        "artifacts": [dict(facts.artifact)],
        "hyperparameters": fields.parameters(
            flat.parameters(evidence.parameters(known.parameters, notes), notes), notes
        ),
        "environment": next(iter(environments), {}),
        "metrics": evidence.metrics(known.metrics, notes),
        "source": provenance.source(facts.provenance, "Git", facts.model, facts.version, more, notes),
    }
    return {name: each for name, each in found.items() if each}
