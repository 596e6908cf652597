"""The text of `docs/reference/metrics.md`, generated from the definitions of the metrics."""

from pennant.runtime.own_metrics import object_definitions, process_definitions, sync_definitions
from pennant.runtime.own_metrics.definition import Definition, MetricType

HEAD = """\
<!-- Generated from operator/pennant/runtime/own_metrics by `python -m pennant generate --write`. Do not edit. -->
# Metrics of the operator

What `/metrics` on port 8080 exports. [alerts.md](../alerts.md) has the alerting rules that use it, and says how to
scrape it. All counters begin at 0 when a process starts, so use `rate()` and `increase()`.
"""
OBJECTS = """\
## Metrics of a ModelDeployment

The series exist from the first pass of the operator over a ModelDeployment until it is deleted. Only the leader exports
them. During a change of leader they are missing for some seconds, and for the time of one scrape both replicas may have
them: aggregate, such as with `max by (namespace, name)`. `namespace` is that of the ModelDeployment: scrape with
`honorLabels: true`.

A ModelDeployment has 27 series. Each metric in `spec.analysis.metrics` adds four for its checks, one for its value and
one for its threshold: with three metrics 45 series.
"""
ACROSS = "## Metrics across ModelDeployments\n\nOnly the leader exports them.\n"
PROCESS = "## Metrics of the process\n\nEvery replica exports them.\n"
SYNC = """\
## Metrics of sync

`pennant sync` exports these and `pennant_api_requests_total` on port 8080 of its own pod. A registry has its series
from the start of the process.
"""


def page() -> str:
    """Return the page as Markdown."""
    across = (
        object_definitions.SUSPECTED,
        process_definitions.ROLLOUT_DURATION,
        process_definitions.ROLLBACK_DURATION,
    )
    process = (each for each in process_definitions.DEFINITIONS if each not in across)
    return "\n".join(
        (
            *(HEAD, OBJECTS, *map(_entry, object_definitions.DEFINITIONS)),
            *(ACROSS, *map(_entry, across)),
            *(PROCESS, *map(_entry, process)),
            *(SYNC, *map(_entry, sync_definitions.DEFINITIONS)),
        )
    )


def _entry(definition: Definition) -> str:
    facts = f"{definition.type.value}, unit: {definition.unit}"
    if definition.type is MetricType.HISTOGRAM:
        facts += f", buckets: {', '.join(f'{each:g}' for each in definition.buckets)}"
    labels = "".join(f"| `{name}` | {means} |\n" for name, means in definition.labels.items())
    table = f"\n| label | meaning |\n|---|---|\n{labels}" if labels else ""
    return f"### {definition.name}\n\n{definition.means}\n\nType: {facts}.\n{table}\n```\n{definition.example}\n```\n"
