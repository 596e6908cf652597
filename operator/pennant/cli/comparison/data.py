"""A comparison for programs."""

from typing import Any

from pennant.api import API_VERSION
from pennant.api.meta import rfc3339
from pennant.cli.comparison.facts import Comparison, MetricRow, missing
from pennant.cli.comparison.live import Live
from pennant.core.versions.completeness import PRESENT


def to_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison for programs."""
    sides = {"from": found.before, "to": found.after}
    versions = {
        name: {
            "name": each.name,
            "version": each.version,
            "digest": each.digest,
            "completeness": {"present": len(PRESENT) - len(missing(each)), "missing": list(missing(each))},
        }
        for name, each in sides.items()
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelVersionComparison",
        "model": found.after.spec.model,
        **versions,
        "computedBump": {**found.bump.to_json(), "versionNumbers": str(found.step)},
        "metrics": [_metric_json(each) for each in found.metrics],
        "differences": [
            {"section": str(each.section), "field": each.field, "from": each.before, "to": each.after}
            for each in found.changes
        ],
        "servedBy": [_live_json(each) for each in found.live],
    }


def _metric_json(row: MetricRow) -> dict[str, Any]:
    number = row.number
    direction = next((each.direction for each in (row.after, row.before) if each and each.direction), None)
    return {
        "metric": number.metric,
        "dataset": number.dataset,
        "split": str(number.split) if number.split else None,
        "slice": number.slice,
        "direction": str(direction) if direction else None,
        "from": row.before.value if row.before else None,
        "to": row.after.value if row.after else None,
        "delta": f"{row.delta:f}" if row.delta is not None else None,
        "percent": f"{row.percent:.4f}" if row.percent is not None else None,
        "result": str(row.result),
        "why": row.why or None,
    }


def _live_json(each: Live) -> dict[str, Any]:
    served = [
        {
            "version": one.version,
            "revision": one.revision,
            "from": rfc3339(one.since),
            "until": rfc3339(one.until) if one.until else None,
            "verifiedAt": rfc3339(one.verified_at) if one.verified_at else None,
            "outcome": one.outcome or None,
        }
        for one in each.served
    ]
    metrics = [{"metric": one.metric, "from": one.before or None, "to": one.after or None} for one in each.measured]
    return {"deployment": each.deployment, "served": served, "metrics": metrics}
