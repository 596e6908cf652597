"""What was so in a simulated world over time: it is held against what the operator says when it gives a verdict.

It counts by the clock that nobody sets, and sees what everybody can see: the status of the Deployment after each round
of the controllers, and the pods.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pennant.api.history import Evidence, HistoryEntry, QuarantineEntry
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.reasons import Reason
from pennant.core.facts.observation import Key
from simulation.support.deployment_controller import AVAILABLE
from simulation.support.objects import Deployment
from simulation.support.world import World


@dataclass(frozen=True, slots=True)
class _Enough:
    """The minimum of pods, and at least one, is available without a break."""

    what: tuple[str, str]
    """Of which Deployment, and by which pod template."""
    since: datetime


class Watch:
    """Looks at a world after each round of its controllers, and at each write of its operator."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._enough: dict[Key, _Enough] = {}
        self._served_from: dict[tuple[str, int], datetime] = {}
        """By the uid of a ModelDeployment and a revision: when a pod of it was available first."""

    def look(self) -> None:
        """Take note of what is available now."""
        deployments = self._world.deployments
        self._enough = {key: each for key, each in self._enough.items() if key in deployments}
        for key, found in deployments.items():
            self._note(key, found)

    def check(self, before: World, key: Key) -> None:
        """Fail where the measurements do not support a verdict that was just written."""
        self.look()
        was, record = before.records[key], self._world.records.get(key)
        if record is None or record.uid != was.uid:
            return
        spec = record.read()
        assert isinstance(spec, ModelDeploymentSpec)
        known = {each.revision: each for each in was.status.history}
        noted = {number for number, each in was.revisions.items() if each.latest.verified_at is not None}
        for entry in record.status.history:
            old = known.get(entry.revision)
            if old is not None and old.verified_at is None and entry.verified_at is not None:
                assert entry.revision in noted or self._is_baked(key, timedelta(seconds=spec.analysis.bake_seconds))
        for each in set(record.status.quarantine) - set(was.status.quarantine):
            if each.revision in known and each.reason == Reason.METRIC_BREACH:
                self._check_breach(record.uid, record.status.history, each, spec)

    def _note(self, key: Key, found: Deployment) -> None:
        status, steady = found.status, self._world.steady
        what, known = (found.uid, found.template_hash), self._enough.get(key)
        condition = status.condition(AVAILABLE)
        if not status.available or condition is None or condition.status != "True":
            self._enough.pop(key, None)
        elif (known is None or known.what != what) and status.observed_generation >= found.generation:
            self._enough[key] = _Enough(what, steady)
        record = self._world.records.get(key)
        if record is None or not record.status.history:
            return
        active = record.status.history[-1]
        if any(each.available and each.template_hash == active.template_hash for each in found.pods):
            self._served_from.setdefault((record.uid, active.revision), steady)

    def _is_baked(self, key: Key, span: timedelta) -> bool:
        """Return whether enough pods were available for so long, without a break that anybody could see."""
        known = self._enough.get(key)
        return known is not None and self._world.steady - known.since >= span

    def _check_breach(
        self, uid: str, history: tuple[HistoryEntry, ...], found: QuarantineEntry, spec: ModelDeploymentSpec
    ) -> None:
        """Fail where a breach rests on a sample from before the first pod of the revision was available."""
        entry = next((each for each in history if each.revision == found.revision), None)
        asked = {each.name for each in spec.analysis.metrics if each.prometheus is not None}
        interval = timedelta(seconds=spec.analysis.interval_seconds)
        for each in entry.evidence if entry is not None else ():
            if each.metric in asked and (checks := _breaches(each)):
                begin = self._served_from[uid, found.revision]
                assert each.at + self._world.behind >= begin + checks * interval, f"{each} is from before {begin}"


def _breaches(evidence: Evidence) -> int:
    """Return how many checks were a breach; 0 where it is none of a number, but of no answer."""
    number, _, rest = evidence.breaches.partition(" of ")
    return int(number) if rest and number.isdecimal() else 0
