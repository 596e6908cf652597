"""The model card of a model package: who owns the model, what it is for, its risk, and how it was evaluated."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.registries.fields import mappings, object_of, split_of
from pennant.registries.notes import Notes

RISKS: Mapping[str, str] = {"high": "High", "medium": "Medium", "low": "Low"}
"""The risk tier by the risk rating of a card. `Unknown` is none."""
MAPPED = frozenset({"model_owner", "model_creator", "purpose_of_model", "intended_uses", "risk_rating"})
SEPARATE = frozenset({"training_details", "evaluation_details"})
"""Parts of a card that are no annotations, because they have fields of their own."""
DEEPEST = 4


def parsed(package: Json, notes: Notes) -> Json:
    """Return the card of a package; empty: it has none."""
    content = (package.get("ModelCard") or {}).get("ModelCardContent")
    found = object_of(content)
    if content and not found:
        notes.add("the model card is no JSON object, so owner, intended use and risk are not known")
    return found


def fields(card: Json, notes: Notes) -> dict[str, Any]:
    """Return what has a field of its own."""
    overview, uses = object_of(card.get("model_overview")), object_of(card.get("intended_uses"))
    found: dict[str, Any] = {}
    if owner := overview.get("model_owner"):
        found["owner"] = notes.line(owner, 256, "the owner in the model card")
    said = [str(uses[each]) for each in ("purpose_of_model", "intended_uses") if uses.get(each)]
    if said:
        found["intendedUse"] = notes.line("\n".join(said), 8192, "the intended use in the model card")
    if tier := RISKS.get(str(uses.get("risk_rating")).lower()):
        found["risk"] = {"tier": tier}
    return found


def creator(card: Json) -> str:
    """Return who made the model; empty: the card does not say it."""
    return str(object_of(card.get("model_overview")).get("model_creator") or "")


def metrics(card: Json) -> Iterator[dict[str, Any]]:
    """Yield the metrics: of the training, and of each evaluation. The name of an evaluation may say the split."""
    details = object_of(object_of(card.get("training_details")).get("training_job_details"))
    for field in ("training_metrics", "user_provided_training_metrics"):
        yield from _numbers(details.get(field), "Train")
    for evaluation in mappings(card.get("evaluation_details")):
        split = split_of(str(evaluation.get("name") or ""))
        for group in mappings(evaluation.get("metric_groups")):
            yield from _numbers(group.get("metric_data"), split)


def annotations(package: Json, card: Json) -> Iterator[tuple[str, Any]]:
    """Yield the status of the card, the digest of its text, and what has no field of its own."""
    stored = package.get("ModelCard") or {}
    yield "ModelCard.status", stored.get("ModelCardStatus")
    if content := stored.get("ModelCardContent"):
        yield "ModelCard.sha256", hashlib.sha256(str(content).encode()).hexdigest()
    for part, value in card.items():
        if part not in SEPARATE:
            yield from _texts(f"ModelCard.{part}", value, 1)


def _texts(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and depth < DEEPEST:
        for name, each in value.items():
            if name not in MAPPED:
                yield from _texts(f"{path}.{name}", each, depth + 1)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    elif value is not None:
        yield path, value


def _numbers(listed: Any, split: str | None) -> Iterator[dict[str, Any]]:
    for each in mappings(listed):
        value = each.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool) and each.get("name"):
            yield {"name": str(each["name"]), "value": value, **({"split": split} if split else {})}
