"""The reports of a model package in S3: model quality, bias and so on, and the metrics in them."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import Json
from pennant.registries.notes import Notes
from pennant.registries.sagemaker.containers import sha256_of

MAX_REPORTS = 32
LARGEST = 4 * 1024 * 1024
"""Bytes of a report whose metrics are read."""
DEEPEST = 6
QUALITY, BIAS = "model-quality-statistics", "bias"
NO_METRICS = frozenset({"dataset", "version", "standard_deviation", "parameters"})
"""Keys of a report on model quality that are no metrics."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that a package names."""

    name: str
    uri: str
    digest: str | None

    @property
    def has_metrics(self) -> bool:
        """Whether the metrics in it have a form that is known."""
        return self.name == QUALITY or self.name.startswith(f"{BIAS}-")


def listed(package: Json) -> list[Report]:
    """Return the reports: those of the metrics of a package, and the baselines of its drift checks."""
    found = [
        *_reports("", package.get("ModelMetrics") or {}),
        *_reports("drift-", package.get("DriftCheckBaselines") or {}),
    ]
    return found[:MAX_REPORTS]


def documents(reports: list[Report], contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return `spec.reports`. The digest is that of the package, or else that of the bytes that were read."""
    return [
        {
            "name": each.name,
            "uri": each.uri[:2048],
            **({"digest": digest} if (digest := each.digest or _sha256(contents.get(each.uri))) else {}),
        }
        for each in reports
    ]


def metrics(reports: list[Report], contents: Mapping[str, bytes], notes: Notes) -> Iterator[dict[str, Any]]:
    """Yield the metrics of the reports. One whose bytes have another digest than the package says has none."""
    for each in reports:
        if each.uri not in contents or not each.has_metrics:
            continue
        if each.digest not in (None, digest := _sha256(contents[each.uri])):
            notes.add(f"{each.uri} has the digest {digest}, and SageMaker has {each.digest}: its metrics are left out")
            continue
        try:
            value = json.loads(contents[each.uri])
        except (ValueError, RecursionError):
            notes.add(f"{each.uri} is no JSON, so its metrics are not known")
            continue
        found = [*(_quality(value, (), 0) if each.name == QUALITY else _bias(value))]
        if not found:
            notes.add(f"{each.uri} has no metrics of a form that is known")
        yield from found


def _reports(prefix: str, parts: Json) -> Iterator[Report]:
    for part, kinds in parts.items():
        for kind, source in (kinds or {}).items():
            if isinstance(source, dict) and source.get("S3Uri"):
                name = f"{prefix}{_dashed(part)}-{_dashed(kind)}"
                yield Report(name, str(source["S3Uri"]), sha256_of(source.get("ContentDigest")))


def _dashed(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _quality(value: Any, path: tuple[str, ...], depth: int) -> Iterator[dict[str, Any]]:
    """Yield the numbers of a report on model quality by their paths, without the section of the kind of model.

    A metric is a number, or an object with the number in `value`.
    """
    if isinstance(value, Mapping):
        if _is_number(value.get("value")):
            yield {"name": "/".join(path) or "value", "value": value["value"]}
        elif depth < DEEPEST:
            for name, each in value.items():
                if name not in NO_METRICS and name != "confusion_matrix":
                    section = not path and (name == "metrics" or name.endswith("_metrics"))
                    yield from _quality(each, path if section else (*path, str(name)), depth + 1)
    elif _is_number(value) and path:
        yield {"name": "/".join(path), "value": value}


def _bias(report: Any) -> Iterator[dict[str, Any]]:
    """Yield the metrics of a report of SageMaker Clarify: one for each facet and value."""
    for part in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        section = report.get(part) if isinstance(report, Mapping) else None
        facets = section.get("facets") if isinstance(section, Mapping) else None
        for facet, groups in facets.items() if isinstance(facets, Mapping) else ():
            for group in groups if isinstance(groups, list) else ():
                for each in group.get("metrics") or () if isinstance(group, Mapping) else ():
                    if isinstance(each, Mapping) and each.get("name") and _is_number(each.get("value")):
                        part_of = f"{facet}={group.get('value_or_threshold', '')}"[:256]
                        yield {
                            "name": str(each["name"]),
                            "value": each["value"],
                            "slice": part_of,
                            "category": "Fairness",
                        }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sha256(content: bytes | None) -> str | None:
    return f"sha256:{hashlib.sha256(content).hexdigest()}" if content is not None else None
