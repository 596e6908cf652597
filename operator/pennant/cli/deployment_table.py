"""`get` without a name as text: the ModelDeployments of a namespace, or of all, one per line."""

from collections.abc import Sequence
from datetime import datetime

from pennant.api.conditions import Condition, find
from pennant.api.meta import Json
from pennant.api.reasons import ConditionType, Reason
from pennant.cli import output, spans
from pennant.cli.health import health, ready
from pennant.core.facts.in_place import current
from pennant.core.facts.observation import Invalid
from pennant.kube.codec import decode

HEADER = ("NAME", "MODEL", "TAG", "DESIRED", "SERVING", "READY", "REASON", "AGE")
WIDE = ("STATUS", "PODS", "REVISION", "VERIFIED", "ROLLBACK-TARGET", "MESSAGE")


def table(
    items: Sequence[Json],
    now: datetime,
    *,
    is_wide: bool = False,
    with_namespace: bool = False,
    width: int | None = None,
) -> str:
    """Return the table; the columns are those of `kubectl get modeldeployments`, and AGE is the last but for `wide`."""
    header = (*(("NAMESPACE",) if with_namespace else ()), *HEADER, *(WIDE if is_wide else ()))
    return output.table(header, [_row(each, now, is_wide, with_namespace) for each in items], width)


def _row(raw: Json, now: datetime, is_wide: bool, with_namespace: bool) -> Sequence[str]:
    snapshot = decode.model_deployment(raw)
    spec, status, stated = snapshot.spec, snapshot.status, ready(snapshot.status)
    if isinstance(spec, Invalid):
        model, tag = str(decode.field(raw, "spec").get("model") or output.NONE), output.NONE
    else:
        model, tag = spec.model, spec.tag if spec.version is None else output.NONE
    desired, serving = status.desired, status.serving
    row: tuple[str, ...] = (
        snapshot.key.name,
        model,
        tag,
        desired.version if desired is not None else output.NONE,
        serving.version if serving is not None else output.NONE,
        stated.status.value if stated is not None else output.NONE,
        _reason(stated, is_paused=not isinstance(spec, Invalid) and spec.paused),
        spans.age_of(raw["metadata"].get("creationTimestamp"), now),
    )
    if with_namespace:
        row = (snapshot.key.namespace, *row)
    if not is_wide:
        return row
    word, message = health(status)
    active, verified = current(status.history), find(status.conditions, ConditionType.VERIFIED)
    return (
        *row,
        word.value,
        f"{status.ready_replicas}/{status.replicas}",
        str(active.revision) if active is not None else output.NONE,
        verified.status.value if verified is not None else output.NONE,
        status.stable.version if status.stable is not None else output.NONE,
        message,
    )


def _reason(stated: Condition | None, *, is_paused: bool) -> str:
    """Return the reason of Ready, and that `spec.paused` is true: Ready has another reason while nothing waits."""
    reason = stated.reason if stated is not None else output.NONE
    return f"{reason} (paused)" if is_paused and reason != Reason.PAUSED else reason
