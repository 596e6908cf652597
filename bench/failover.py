"""How long no tag move is served after the leader ends: by SIGTERM, which hands over, and by SIGKILL.

Two operators run. One is ended; when its process is gone a tag moves, and a watch on Deployments sees when that is
served. The time counts from the signal. In full size the Lease has the operator's own defaults.
"""

import signal
import statistics
import time
from collections.abc import Iterator

from bench.api import Api
from bench.figures import Figure, Goal
from bench.objects import TAG
from bench.process import Operator
from bench.promotions import Observer, moves, prepare, summary, tag, until
from bench.run import Run, Scenario, Size
from rig import Rig


class Pair:
    """A leader and a standby, of which the leader ends again and again."""

    def __init__(self, rig: Rig, lease_seconds: int) -> None:
        self._rig, self._started = rig, 0
        # The proportions of the defaults: 15, 10 and 2.
        self._settings = {
            "lease_duration_seconds": str(lease_seconds),
            "renew_deadline_seconds": f"{lease_seconds * 2 / 3:g}",
            "retry_period_seconds": f"{lease_seconds * 2 / 15:g}",
        }
        self._leader = self._another()
        until(lambda: self._leader.leads, "the first operator leads")
        self._standby = self._another()

    def _another(self) -> Operator:
        self._started += 1
        found = Operator(self._rig, f"operator-{self._started}", **self._settings)
        found.until_ready()
        return found

    def end_leader(self, number: signal.Signals) -> float:
        """End the leader, and return when it got the signal."""
        begun = time.perf_counter()
        self._leader.end_by(number)
        self._leader = self._standby
        return begun

    def restore(self) -> None:
        """Start another standby, when the new leader leads."""
        until(lambda: self._leader.leads, "the standby leads")
        self._standby = self._another()

    def close(self) -> None:
        for each in (self._leader, self._standby):
            each.kill()


def gaps(run: Run, pair: Pair, observer: Observer, api: Api, number: signal.Signals) -> list[float]:
    """End the leader twice in each round; return the seconds until the next tag move is served."""
    found = []
    for turn in range(run.sizes["rounds"]):
        run.say(f"{number.name}, {turn + 1} of {run.sizes['rounds']}")
        for version in ("2.0.0", "1.0.0"):
            observer.forget("ours", version)
            begun = pair.end_leader(number)
            tag(api, "ours", "1.0.0" if version == "2.0.0" else "2.0.0")
            tag(api, "ours", version, TAG)
            found.append(observer.wait("ours", version) - begun)
            pair.restore()
    return found


def measure(run: Run) -> Iterator[Figure]:
    lease = run.sizes["lease"]
    with run.control_plane() as rig:
        prepare(rig)
        observer, api = Observer(rig), Api(rig)
        pair = Pair(rig, lease)
        try:
            observer.wait("ours", "1.0.0")
            single = summary(moves(rig, observer, "ours", 4))
            handed = gaps(run, pair, observer, api, signal.SIGTERM)
            failed = gaps(run, pair, observer, api, signal.SIGKILL)
        finally:
            pair.close()
    yield Figure("tag move with a leader, p50", single["p50"], "ms")
    yield Figure("SIGTERM until a tag move is served, median", statistics.median(handed), "s")
    yield Figure("SIGTERM until a tag move is served, longest", max(handed), "s", None, Goal(1))
    yield Figure("SIGKILL until a tag move is served, median", statistics.median(failed), "s")
    yield Figure("SIGKILL until a tag move is served, longest", max(failed), "s")
    yield Figure(f"the same in lease periods of {lease} s", max(failed) / lease, "periods", None, Goal(2))


SCENARIO = Scenario(
    "failover",
    "the end of the leader until the next tag move is served",
    {"rounds": Size(5, 1, "times two ends by each signal"), "lease": Size(15, 3, "seconds of the Lease")},
    measure,
)
