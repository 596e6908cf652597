"""No status, Event, log line or metric holds a secret of the operator or text of another server.

Each scenario ends with a search for both. Here metric sources and clients of the webhook send hostile text, the log
level is DEBUG, and the search is shown to find what is published.
"""

import base64
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import hostile_servers, secrets
from cluster.hostile_servers import SAYS, HostileServer
from cluster.installation import install
from cluster.operator_process import Operator
from cluster.scenario import NAME, Manifest, Scenario
from cluster.secrets import FOREIGN_TEXT
from rig import Rig

SHADOW = f"{NAME}-shadow"
REASONS = {
    "AlertFiring",
    "MultipleSeries",
    "NoData",
    "NotANumber",
    "QueryRefused",
    "SourcePartial",
    "SourceUnavailable",
    "WithinThreshold",
}
"""All that is published about the answers of hostile servers."""


@pytest.fixture
def listening() -> Iterator[HostileServer]:
    with HostileServer().listening() as started:
        yield started


@pytest.fixture
def exposed(rig: Rig, operator: Operator, listening: HostileServer, tmp_path: Path) -> Iterator[Scenario]:
    """Return a scenario with an operator of its own, whose log is most detailed and whose metric sources are hostile.

    It serves this namespace alone. The shared operator serves all namespaces, so it is stopped meanwhile.
    """
    operator.kill()
    try:
        scenario = Scenario(rig, f"exposed-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
        values = {"namespace": scenario.namespace}
        installed = install(rig, tmp_path, release="exposed", namespace="exposed-system", values=values)
        scenario.operator = Operator(rig, tmp_path / "operator", installed, PENNANT_LOG_LEVEL="DEBUG")
        known = yaml.safe_load(scenario.operator.sources.read_text())["sources"]
        strange = {
            "talkative": {**known["second"], "url": f"{listening.url}/talkative"},
            "silent": {**known["default"], "url": f"{listening.url}/silent"},
        }
        scenario.operator.sources.write_text(yaml.safe_dump({"sources": known | strange}))
        scenario.operator.start()
        yield scenario
        assert installed.refusals() == [], "the rights of the chart suffice for one namespace"
        scenario.assert_preconditioned()
        scenario.operator.kill()
        # The shared operator must not find the foreign text that a user wrote.
        for each in scenario.all_of("modeldeployment"):
            scenario.delete("modeldeployment", each["metadata"]["name"])
        scenario.end()
    finally:
        operator.start()


def asking(name: str) -> Manifest:
    query = {"source": "talkative", "query": name}
    return {"name": name.replace("_", "-"), "prometheus": query, "threshold": {"max": "9"}}


def alert(source: str) -> Manifest:
    return {"name": f"{source}-alert", "alert": {"source": source, "matchLabels": {"alertname": "Slow"}}}


def analysis(*metrics: Manifest) -> Manifest:
    return {"intervalSeconds": 1, "bakeSeconds": 2, "metrics": list(metrics)}


def test_neither_text_of_hostile_servers_nor_a_secret_is_published(exposed: Scenario, listening: HostileServer) -> None:
    """Rule: R100."""
    operator, names = exposed.operator, list(SAYS)
    some, others = map(asking, names[:16]), map(asking, names[16:])
    alerts = (alert("talkative"), alert("silent"))
    shadow = exposed.a_deployment(analysis=analysis(*others, *alerts))
    shadow["metadata"]["name"] = SHADOW
    exposed.version("1.0.0", "production")
    exposed.deployment(analysis=analysis(*some))
    exposed.apply(shadow)
    exposed.until(lambda: set(reasons(exposed).values()) == REASONS, what="an answer to each question")
    exposed.until_told("NoRollbackTarget")
    for what, (request, status) in hostile_servers.requests(operator.secrets["webhook-token"]).items():
        assert send(operator.webhook_port, request) == status, what
    for request in (b"%b\r\n\r\n", b"GET /metrics HTTP/1.1 %b\r\n\r\n"):
        assert send(operator.port, request % FOREIGN_TEXT.encode()) == 400

    of_alerts = {f"/{source}/api/v1/{path}" for source in ("talkative", "silent") for path in ("query", "rules")}
    assert listening.asked >= {*SAYS, "counts", "/talkative/api/v1/query", "/silent/api/v1/query"}
    assert listening.asked <= {*SAYS, "counts", *of_alerts}
    basic = base64.b64encode(f"{secrets.USER}:{operator.secrets['password']}".encode()).decode()
    assert listening.credentials == {f"Basic {basic}", f"Bearer {operator.secrets['token']}"}
    exposed.assert_no_leaks()
    operator.assert_healthy()

    # The search finds what is published: the name of a metric, and all that is in the log.
    exposed.deployment(analysis=analysis({**asking("not_found"), "name": FOREIGN_TEXT}))
    exposed.until(lambda: FOREIGN_TEXT in str(exposed.status))
    told = {f"text of another server in its {place}" for place in ("metrics", "requests")}
    assert set(operator.leaks(exposed.begins_at)) == told
    with operator.log.open("a") as log:
        log.write("".join(operator.secrets.values()))
    assert set(operator.leaks(exposed.begins_at)) == told | {f"the {name} in its log" for name in operator.secrets}


def reasons(scenario: Scenario) -> dict[str, str]:
    """Return what each metric of both ModelDeployments is said to be."""
    statuses = (scenario.get("modeldeployment", name).get("status", {}) for name in (NAME, SHADOW))
    return {each["name"]: each["reason"] for status in statuses for each in status.get("analysis", ())}


def send(port: int, request: bytes) -> int:
    """Return the HTTP status of the answer to a request of which each byte is chosen."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


@pytest.mark.parametrize(
    "text",
    [
        "secret-token-0123456789abcdef0123456789abcdef",
        "secret-token-0123456",
        "3456789abcdef",
        base64.b64encode(f"{secrets.USER}:secret-token-0123456789abcdef0123456789abcdef".encode()).decode(),
    ],
    ids=["whole", "cut", "a part too small to be told from others", "as basic authentication sends it"],
)
def test_a_secret_is_found_in_each_form(text: str) -> None:
    said = {"log": f"before {text} after".encode(), "metrics": b""}
    found = secrets.leaks(said, {"token": "secret-token-0123456789abcdef0123456789abcdef"})
    assert found == (["the token in its log"] if len(text) >= secrets.PART else [])
