"""How long a breach takes to become a rollback, beside a client that asks Prometheus once and patches a Deployment.

Prometheus evaluates a value for each version; one after the other, those of versions that serve become bad. The time
counts from the first check, a multiple of the interval, at which Prometheus has the bad sample, until a watch on
Deployments sees the version before. The floor is one query and one patch, from the query on.
"""

import math
import time
from collections.abc import Iterator, Sequence

from bench.api import MERGE, Api, created, send
from bench.figures import Figure, percentiles
from bench.objects import (
    DEPLOYMENTS,
    MODEL_DEPLOYMENTS,
    VERSIONS,
    a_bare_deployment,
    a_model_deployment,
    shown,
    two_versions,
)
from bench.pods import PARTS, a_node, one_pod
from bench.process import operator
from bench.promotions import Observer, moved, summary, until
from bench.run import Run, Scenario, Size
from bench.values import SERIES, Prometheus, at, sources, write
from rig import Rig

INTERVAL_SECONDS = 1
PATIENCE_SECONDS = 300.0
QUERY = f'max({SERIES}{{name="${{name}}",version="${{version}}"}})'
METRIC = {
    "name": "quality",
    "prometheus": {"query": QUERY},
    "threshold": {"min": "0.9"},
    "breaches": {"count": 1, "of": 1},
}
GOOD, BAD = 0.95, 0.5


def promote(rig: Rig, names: Sequence[str]) -> None:
    """Have 1.0.0 and then 2.0.0 of each model served and verified."""
    analysis = {"intervalSeconds": INTERVAL_SECONDS, "bakeSeconds": 1, "metrics": [METRIC]}
    objects = [a_model_deployment(name, analysis=analysis, **one_pod()) for name in names]
    send(rig, [[*(created(VERSIONS, each) for each in two_versions(name))] for name in names])
    send(rig, [[created(MODEL_DEPLOYMENTS, each)] for each in objects])
    until_verified(rig, len(names), "1.0.0")
    send(rig, [moved(name) for name in names])
    until_verified(rig, len(names), "2.0.0")


def until_verified(rig: Rig, count: int, version: str) -> None:
    """Wait until this version of all ModelDeployments is verified."""
    api = Api(rig)

    def verified() -> bool:
        statuses = (each.get("status", {}) for each in api.request("GET", MODEL_DEPLOYMENTS)["items"])
        newest = [each["history"][-1] for each in statuses if each.get("history")]
        return len([each for each in newest if each["version"] == version and "verifiedAt" in each]) == count

    until(verified, f"{version} of all ModelDeployments is verified", PATIENCE_SECONDS, pause=1)


def first_check(prometheus: Prometheus, name: str) -> float:
    """Return the first multiple of the interval at which Prometheus has the bad sample, in Unix time."""
    series = prometheus.query(f'{SERIES}{{name="{name}",version="2.0.0"}}[5m]')
    bad = min(float(moment) for moment, value in series[0]["values"] if float(value) < GOOD)
    return math.ceil(bad / INTERVAL_SECONDS) * INTERVAL_SECONDS


def rollbacks(rig: Rig, observer: Observer, names: Sequence[str]) -> list[float]:
    """Make 2.0.0 of each model bad, one after the other; return the milliseconds until 1.0.0 is back."""
    prometheus, times = Prometheus(rig), []
    values = {(name, version): GOOD for name in names for version in ("1.0.0", "2.0.0")}
    for name in names:
        observer.forget(name, "1.0.0")
        values[name, "2.0.0"] = BAD
        write(rig, values, "version", INTERVAL_SECONDS)
        seen = observer.wait(name, "1.0.0")
        times.append((time.time() - (time.perf_counter() - seen) - first_check(prometheus, name)) * 1000)
    return times


def floor(rig: Rig, observer: Observer, name: str, count: int) -> list[float]:
    """Ask for the value of a model and patch a Deployment as often; return the milliseconds of each."""
    api, prometheus, times = Api(rig), Prometheus(rig), []
    query = QUERY.replace("${name}", name).replace("${version}", "1.0.0")
    for number in range(count):
        observer.forget("bare", f"{number}.0.0")
        time.sleep(0.1)
        begun = time.perf_counter()
        result = prometheus.ask("query_range", at(query, math.floor(time.time()), INTERVAL_SECONDS))
        if not result:
            raise RuntimeError(f"Prometheus has no value of {name}")
        api.request("PATCH", f"{DEPLOYMENTS}/bare", shown(f"{number}.0.0"), MERGE)
        times.append((observer.wait("bare", f"{number}.0.0") - begun) * 1000)
    return times


def measure(run: Run) -> Iterator[Figure]:
    names = [f"breach-{number}" for number in range(run.sizes["rollbacks"])]
    with run.control_plane("prometheus", *PARTS) as rig:
        send(rig, [[a_node(), created(DEPLOYMENTS, a_bare_deployment("bare"))]])
        write(rig, {(name, version): GOOD for name in names for version in ("1.0.0", "2.0.0")}, "version")
        observer = Observer(rig)
        # Nothing may take all of them together for a fault of Prometheus.
        with operator(rig, metric_sources=str(sources(rig)), mass_breach_count="0"):
            run.say("1.0.0 and then 2.0.0 of each model is served and verified")
            promote(rig, names)
            run.say("the bare client asks and patches")
            bare = summary(floor(rig, observer, names[0], max(len(names), 2)))
            run.say("2.0.0 becomes bad, one model after the other")
            ours = summary(rollbacks(rig, observer, names))
        yield from percentiles("check of the first bad sample to Deployment", ours, bare)


SCENARIO = Scenario(
    "breach",
    "a breach of a metric until the Deployment is rolled back",
    {"rollbacks": Size(20, 2, "breaches, one after the other")},
    measure,
)
