"""A simulated rollout: users act, time passes, the operator reconciles, and the trace records what happened."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pennant.api.conditions import find
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.api.meta import Json
from pennant.controller.measurement_cache import MeasurementCache
from pennant.metrics.prometheus import PrometheusApi
from simulation.support import invariants
from simulation.support.process import Process
from simulation.support.sources import FakeMetricSource, Sample
from simulation.support.world import BEGINNING, KEY, World, WorldCluster

ACCURACY = 'accuracy{version="${version}"}'
FOREVER_SECONDS = 1_000_000


class Crash(BaseException):
    """The process dies here; the operator must not catch it."""


class LiveAccuracy(FakeMetricSource):
    """The accuracy of each version and its requests, scraped each second from the pods that are ready."""

    def __init__(self, world: World) -> None:
        super().__init__(BEGINNING, ())
        self.world = world
        self.values: dict[str, float | None] = {}
        self.requests: dict[str, int] = {}
        self.others: dict[tuple[str, str], tuple[float, ...]] = {}
        """Other metrics: by name and version, the value of each of their series."""
        self.of_all: dict[tuple[str, str], float] = {}
        """Metrics without a label: by name and version; the largest value of a version that is served counts."""
        self.lag_seconds = 0.0
        """Seconds until a sample can be queried."""
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    @property
    def newest(self) -> float:
        return (self.world.time - BEGINNING).total_seconds() - self.lag_seconds

    def behave(self) -> None:
        """End all faults of the source."""
        self.down, self.partial, self.aligned, self.empty, self.rules = False, False, False, False, None
        self.seconds_to_answer, self.timeout_seconds, self.lag_seconds = 0, math.inf, 0

    async def wait(self, seconds: float) -> None:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.world.steady + timedelta(seconds=min(seconds, FOREVER_SECONDS)), over))
        await over

    def _let_answers_come(self) -> None:
        come = [over for at, over in self._waiting if at <= self.world.steady]
        self._waiting = [(at, over) for at, over in self._waiting if at > self.world.steady]
        for over in come:
            if not over.done():
                over.set_result(None)

    def scrape(self) -> None:
        """Take a sample of each version that is served and has a value."""
        now = (self.world.time - BEGINNING).total_seconds()
        served = {pod.version for d in self.world.deployments.values() for pod in d.pods if pod.ready}
        for each in served:
            if (value := self.values.get(each)) is not None:
                self.samples.append(Sample("accuracy", {"version": each}, now, value))
            if (number := self.requests.get(each)) is not None:
                self.samples.append(Sample("requests", {"version": each}, now, number))
        for (name, version), values in self.others.items():
            for pod, value in enumerate(values if version in served else ()):
                labels = {"version": version, **({"pod": str(pod)} if len(values) > 1 else {})}
                self.samples.append(Sample(name, labels, now, value))
        for name in {name for name, _ in self.of_all}:
            seen = [value for (each, version), value in self.of_all.items() if each == name and version in served]
            self.samples += [Sample(name, {}, now, max(seen))] if seen else []
        self._let_answers_come()
        if now % 60 == 0:
            self._forget_before(now - 120)

    def _forget_before(self, oldest: float) -> None:
        """Remove samples that no query asks for; the last ones of a stable revision stay for comparisons."""
        ends = [
            (entry.ended_at - BEGINNING).total_seconds()
            for record in self.world.records.values()
            for entry in record.status.history
            if entry.ended_at and record.status.stable and entry.revision == record.status.stable.revision
        ]
        self.samples = [
            each
            for each in self.samples
            if each.seconds > oldest or any(second - 60 <= each.seconds <= second for second in ends)
        ]


class Story:
    """One world with one operator, and the acts of users and time in it."""

    longest_wait = timedelta(0)
    """How long a status waits for more to write: not at all, so that each step is seen."""
    others_wait = False
    """Whether other keys wait for a worker, so that the status of a new revision waits as well."""

    def __init__(self, world: World | None = None, mass_breach_count: int = 0) -> None:
        self.world = world or World()
        # Every single write must leave a state that makes sense: the process may die right after it.
        self.world.check_write = lambda before, key: invariants.check_write(before, self.world, key)
        self.accuracy = LiveAccuracy(self.world)
        self.mass_breach_count = mass_breach_count
        self.start_operator()

    def begin_in(self, world: World, accuracy: Mapping[str, float | None], samples: Iterable[Sample]) -> None:
        """Continue in another world, with its accuracies and samples."""
        world.before_write, world.after_write = self.world.before_write, self.world.after_write
        world.check_write = self.world.check_write
        self.world = self.accuracy.world = world
        self.accuracy.values, self.accuracy.samples = dict(accuracy), list(samples)
        self.start_operator()

    def start_operator(self) -> None:
        """Start another process, which knows nothing but the world."""
        self.operator = self.a_process(WorldCluster(self.world))

    def a_process(self, cluster: WorldCluster) -> Process:
        servers: Mapping[str, PrometheusApi] = {"default": self.accuracy}
        return Process(
            cluster,
            servers,
            self.mass_breach_count,
            longest_wait=self.longest_wait,
            others_wait=lambda: self.others_wait,
        )

    @property
    def cluster(self) -> WorldCluster:
        return self.operator.cluster

    @property
    def measurements(self) -> MeasurementCache:
        return self.operator.measurements

    def version(self, version: str, *tags: str, **record: Any) -> None:
        self.world.apply_version(a_record(version, **record), tags)

    def deployment(self, **spec: Any) -> None:
        self.world.apply_deployment(KEY, a_spec(**spec))

    async def passes(self, seconds: int = 0) -> None:
        """Let time pass; the operator reconciles what is due."""
        await self.settle()
        for _ in range(seconds):
            self.begin_second()
            for _ in self.world.rounds():
                await self.settle()
            await self.settle()

    def tick(self) -> None:
        """Let one second pass without the operator."""
        self.begin_second()
        for _ in self.world.rounds():
            pass

    def operator_is_away(self, seconds: int) -> None:
        """Let time pass without an operator; the next one knows the gap from the Lease."""
        self.world.say("operator", f"is away for {seconds} s")
        begin = self.world.time
        for _ in range(seconds):
            self.tick()
        self.start_operator()
        self.operator.gaps.add(begin, self.world.time)

    def begin_second(self) -> None:
        """Let a second pass for the pods and the metric source."""
        self.world.begin_second()
        self.accuracy.scrape()

    async def settle(self) -> None:
        await self.operator.settle()

    async def until(self, holds: Callable[[], bool], seconds: int = 120) -> None:
        for _ in range(seconds):
            if holds():
                return
            await self.passes(1)
        raise AssertionError(f"did not happen within {seconds} s:\n" + "\n".join(self.world.trace))

    @property
    def status(self) -> ModelDeploymentStatus:
        return self.world.records[KEY].status

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        return self.status.history

    def served(self) -> str:
        return self.world.deployments[KEY].version

    def condition(self, kind: str) -> tuple[str, str]:
        found = find(self.status.conditions, kind)
        assert found is not None, kind
        return found.status.value, found.reason

    def pods(self) -> set[str]:
        return {pod.name for pod in self.world.deployments[KEY].pods}


def a_record(version: str, **record: Any) -> Json:
    """Return the record of a version of the model `fraud` whose content is its own."""
    digest = f"sha256:{version.encode().hex():0>64}"
    artifacts = [{"name": "model", "uri": f"s3://models/fraud/{version}", "digest": digest}]
    return {"model": "fraud", "version": version, "artifacts": artifacts, **record}


def a_spec(**spec: Any) -> Json:
    """Return a ModelDeployment that watches the accuracy each 10 s and bakes for 30 s."""
    metric = {
        "name": "accuracy",
        "prometheus": {"query": ACCURACY},
        "threshold": {"min": "0.9"},
        "breaches": {"count": 3, "of": 3},
    }
    container = {"name": "server", "image": "registry.example/server:1", "args": ["$(MODEL_URI)"]}
    return {
        "model": "fraud",
        "replicas": 3,
        "template": {"spec": {"containers": [container]}},
        "rollout": {"progressDeadlineSeconds": 60},
        "analysis": {"intervalSeconds": 10, "bakeSeconds": 30, "metrics": [metric]},
        **spec,
    }
