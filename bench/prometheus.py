"""What reading metrics costs the operator, beside a client that sends the same queries and reads the answers.

Each ModelDeployment has one pod on a node without containers, and two metrics with a query each that no other one has.
The operator's processor time is measured for some intervals with metrics, and for as many after they are gone; the
difference is that of the metrics. The floor are the same queries over the same times by this process, over as many
connections as the operator has. Prometheus's own counter says how many queries it got; their floor is the number of
different ones. In between, all ModelDeployments ask the same two queries.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import aiohttp

from bench.api import Api, created, patched, send
from bench.breach import until_verified
from bench.figures import Figure, Goal
from bench.objects import MODEL_DEPLOYMENTS, TAG, VERSIONS, Object, a_model_deployment, a_version
from bench.pods import PARTS, a_node, one_pod
from bench.process import Operator, operator
from bench.promotions import until
from bench.run import Run, Scenario, Size
from bench.values import FORM, SERIES, Prometheus, at, sources, write
from rig import Rig

METRICS = ("quality", "freshness")
CHECKS = 3
"""The checks of one query: `breaches.of`, which is 3 by default."""
CONNECTIONS = 16


def query(name: str, metric: str) -> str:
    return f'max({SERIES}{{name="{name}",metric="{metric}"}})'


def with_metrics(seconds: int, name: str = "${name}") -> dict[str, object]:
    """Return the change of a ModelDeployment that gives it the metrics of one of this name, by default its own."""
    metrics = [
        {"name": each, "prometheus": {"query": query(name, each)}, "threshold": {"min": "0.9"}} for each in METRICS
    ]
    return {"spec": {"analysis": {"intervalSeconds": seconds, "bakeSeconds": 0, "metrics": metrics}}}


WITHOUT_METRICS: Object = {"spec": {"analysis": {"metrics": []}}}
"""The change that takes them from it again."""


def prepare(run: Run, rig: Rig, names: list[str]) -> None:
    """Have one version of each model served and verified, without metrics."""
    values = {(name, metric): 0.95 for name in names for metric in METRICS}
    write(rig, values, "metric", max(run.sizes["interval"] // 2, 1))
    send(rig, [[created(VERSIONS, a_version(name, "1.0.0", [TAG]))] for name in names])
    quick = {"bakeSeconds": 0}
    objects = [a_model_deployment(name, analysis=quick, **one_pod()) for name in names]
    send(rig, [[created(MODEL_DEPLOYMENTS, each)] for each in objects])


def spent(process: Operator, seconds: float) -> float:
    """Return the processor time of the operator in the next seconds."""
    return process.share(seconds) / 100 * seconds


def asked(prometheus: Prometheus) -> float:
    """Return how many range queries Prometheus has answered so far, by its own metrics."""
    text = prometheus.metrics()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("prometheus_http_requests_total{") and 'handler="/api/v1/query_range"' in line
    )


async def bare(rig: Rig, queries: list[str], seconds: int) -> float:
    """Send each query once, and return the processor time that this process used for it."""
    left, connector = iter(queries), aiohttp.TCPConnector(limit=CONNECTIONS)

    async def some(session: aiohttp.ClientSession) -> None:
        for each in left:
            moment = time.time() // seconds * seconds
            form = at(each, moment, seconds) | {"start": f"{moment - (CHECKS - 1) * seconds:.3f}"}
            async with session.post("/api/v1/query_range", data=urlencode(form).encode(), headers=FORM) as answer:
                answer.raise_for_status()
                values = json.loads(await answer.read())["data"]["result"][0]["values"]
                [float(value) for _, value in values]

    async with aiohttp.ClientSession(rig.prometheus_url, connector=connector) as session:
        begun = time.process_time()
        await asyncio.gather(*(some(session) for _ in range(CONNECTIONS)))
        return time.process_time() - begun


def assert_available(rig: Rig) -> None:
    """Raise `RuntimeError` where a pod is not ready: passes then are about pods, and not about metrics.

    Kubernetes takes the pods for lost if the machine is too busy for the heartbeats of their node.
    """
    items = Api(rig).request("GET", MODEL_DEPLOYMENTS)["items"]
    if lost := [each["metadata"]["name"] for each in items if each["status"].get("readyReplicas") != 1]:
        raise RuntimeError(f"the pods of {len(lost)} ModelDeployments are not ready, such as that of {lost[0]}")


def until_between_checks(interval: int) -> None:
    """Wait until the middle between two checks, with a whole one in between."""
    time.sleep((1.5 - time.time() / interval % 1) * interval)


def measure(run: Run) -> Iterator[Figure]:
    names = [f"metric-{number}" for number in range(run.sizes["deployments"])]
    interval, intervals = run.sizes["interval"], run.sizes["intervals"]
    queries = [query(name, metric) for name in names for metric in METRICS]
    with run.control_plane("prometheus", *PARTS) as rig:
        send(rig, [[a_node()]])
        prometheus = Prometheus(rig)
        with operator(rig, metric_sources=str(sources(rig))) as process:
            run.say(f"{len(names)} ModelDeployments are served and verified")
            prepare(run, rig, names)
            until_verified(rig, len(names), "1.0.0")
            process.until_at_rest()
            send(rig, [[patched(f"{MODEL_DEPLOYMENTS}/{name}", with_metrics(interval))] for name in names])
            until(lambda: asked(prometheus) >= len(queries), "the first check of each metric", 300 + 2 * interval)
            process.until_at_rest()
            until_between_checks(interval)
            run.say(f"{intervals} intervals with {len(queries)} queries each")
            before = asked(prometheus)
            busy = spent(process, interval * intervals)
            requests = asked(prometheus) - before
            assert_available(rig)
            run.say("all ask the same queries")
            shared = with_metrics(interval, names[0])
            send(rig, [[patched(f"{MODEL_DEPLOYMENTS}/{name}", shared)] for name in names])
            process.until_at_rest()
            until_between_checks(interval)
            before = asked(prometheus)
            time.sleep(interval * intervals)
            equal = asked(prometheus) - before
            run.say(f"{intervals} intervals of {interval} s without metrics")
            send(rig, [[patched(f"{MODEL_DEPLOYMENTS}/{name}", WITHOUT_METRICS)] for name in names])
            process.until_at_rest()
            until_between_checks(interval)
            rest = spent(process, interval * intervals)
        run.say("the same queries by a bare client")
        floor = sum(asyncio.run(bare(rig, queries, interval)) for _ in range(intervals))
        yield Figure(
            "processor time of an interval for metrics", (busy - rest) / intervals, "s", floor / intervals, Goal(1.5)
        )
        yield Figure("processor of the operator with metrics", busy / intervals / interval * 100, "% of one")
        yield Figure("processor of the operator without metrics", rest / intervals / interval * 100, "% of one")
        yield Figure("queries of an interval", requests / intervals, "queries", len(queries), Goal(1))
        yield Figure("queries of an interval where all are equal", equal / intervals, "queries", len(METRICS), Goal(1))


SCENARIO = Scenario(
    "prometheus",
    "the cost of reading the metrics of many ModelDeployments",
    {
        "deployments": Size(1_000, 4, "ModelDeployments with two metrics"),
        "interval": Size(30, 3, "seconds between two checks"),
        "intervals": Size(4, 2, "intervals with and without metrics"),
    },
    measure,
    "The floor sends prepared texts and reads one number of each answer. In a profile of the operator, half of the "
    "time is that of two decisions of each check: which queries are due, and what the answers say of the metrics "
    "(both in Python objects, for each ModelDeployment by itself). A third is HTTP with its limits for each source "
    "and tenant, and the rest is queues and timers.",
)
