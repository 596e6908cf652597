"""The reading of a metric that is a number.

In: its checks. Out: the `Reading`: breached by enough of them, unknown where the newest has no number, else passing.

Rule: R35.
"""

from dataclasses import replace

from pennant.api.analysis import Metric
from pennant.api.deployment_status import MetricState
from pennant.api.history import Evidence
from pennant.api.reasons import Reason
from pennant.core.analysis.evaluation import Check, CheckResult
from pennant.core.analysis.kind import Reading
from pennant.core.facts.digest import short_hash

WITHOUT_NUMBER = frozenset({Reason.NO_DATA, Reason.TOO_FEW_SAMPLES, Reason.NOT_A_NUMBER})


def count_breaches(metric: Metric, made: list[Check], query: str, remedy: str = "") -> Reading:
    """Return the reading of these checks, the oldest first.

    The hash of `query` goes into the evidence. `remedy` is appended to the message where the newest check has no data.
    """
    return replace(_counted(metric, made, query, remedy), value=made[-1].value)


def _counted(metric: Metric, made: list[Check], query: str, remedy: str) -> Reading:
    breaches = [each for each in made if each.result is CheckResult.BREACH]
    broken_at = max(
        (each.at for each in made if each.result in (CheckResult.BREACH, CheckResult.UNKNOWN)), default=None
    )
    newest, newest_breaches = made[-1], made[-1].result is CheckResult.BREACH
    if len(breaches) >= metric.breaches.count:
        last, share = breaches[-1], f"{len(breaches)} of {len(made)}"
        evidence = Evidence(
            metric=metric.name,
            value=last.value or "none",
            threshold=last.bound or "a number",
            breaches=share,
            query_hash=short_hash(query),
            at=last.at,
        )
        message = f"{metric.name} {last.says}, in {share} checks"
        return Reading(MetricState.BREACHING, last.reason, message, evidence, True, broken_at, newest_breaches)
    if newest.result in (CheckResult.UNKNOWN, CheckResult.IGNORED):
        blocks = newest.result is CheckResult.UNKNOWN
        message = f"{metric.name} {newest.says}{remedy if newest.reason is Reason.NO_DATA else ''}"
        return Reading(MetricState.UNKNOWN, newest.reason, message, blocks=blocks, broken_at=broken_at)
    passing = next((each for each in reversed(made) if each.result is CheckResult.PASS), None)
    reason = passing.reason if passing is not None else Reason.WITHIN_THRESHOLD
    kept = passing.says if passing is not None else "is not breached: fewer breaches than breaches.count"
    if reason in WITHOUT_NUMBER:
        kept = f"{kept}, which passes because onNoData is Pass"
    message = f"{metric.name} {kept}"
    return Reading(MetricState.PASSING, reason, message, None, newest_breaches, broken_at, newest_breaches)
