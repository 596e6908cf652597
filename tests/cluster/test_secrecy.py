"""What the operator is given in confidence, and what strangers say to it, is told to nobody.

The search looks at every scenario. Here strangers say what they can, the log is as detailed as can be, and the search
is shown to find what is told.
"""

import base64
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import hostile_servers, secrets
from cluster.hostile_servers import SAYS, Stranger
from cluster.installation import install
from cluster.operator_process import Operator
from cluster.secrets import HEARSAY
from cluster.stage import NAME, Manifest, Stage
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
"""All that is told of what strangers say."""


@pytest.fixture
def listening() -> Iterator[Stranger]:
    with Stranger().listening() as started:
        yield started


@pytest.fixture
def overheard(rig: Rig, operator: Operator, listening: Stranger, tmp_path: Path) -> Iterator[Stage]:
    """Return a stage with an operator of its own, which says all that it can, and whose metric sources are strangers.

    It looks after this namespace alone; the one that all scenarios share looks after all, and has to stand aside.
    """
    operator.kill()
    try:
        stage = Stage(rig, f"overheard-{uuid.uuid4().hex[:6]}", tmp_path / "models", operator)
        values = {"namespace": stage.namespace}
        installed = install(rig, tmp_path, release="overheard", namespace="overheard-system", values=values)
        stage.operator = Operator(rig, tmp_path / "operator", installed, PENNANT_LOG_LEVEL="DEBUG")
        known = yaml.safe_load(stage.operator.sources.read_text())["sources"]
        strange = {
            "talkative": {**known["second"], "url": f"{listening.url}/talkative"},
            "silent": {**known["default"], "url": f"{listening.url}/silent"},
        }
        stage.operator.sources.write_text(yaml.safe_dump({"sources": known | strange}))
        stage.operator.start()
        yield stage
        stage.operator.kill()
        # The one that all share must not find the strangers' word that a user wrote.
        stage.kubectl("delete", "modeldeployment", "--all", "--timeout=30s")
        stage.end()
    finally:
        operator.start()


def asking(name: str) -> Manifest:
    query = {"source": "talkative", "query": name}
    return {"name": name.replace("_", "-"), "prometheus": query, "threshold": {"max": "9"}}


def alert(source: str) -> Manifest:
    return {"name": f"{source}-alert", "alert": {"source": source, "matchLabels": {"alertname": "Slow"}}}


def analysis(*metrics: Manifest) -> Manifest:
    return {"intervalSeconds": 1, "bakeSeconds": 2, "metrics": list(metrics)}


def test_what_strangers_say_goes_no_further_and_no_secret_does(overheard: Stage, listening: Stranger) -> None:
    """Rule: R100."""
    operator, names = overheard.operator, list(SAYS)
    some, others = map(asking, names[:16]), map(asking, names[16:])
    alerts = (alert("talkative"), alert("silent"))
    shadow = overheard.a_deployment(analysis=analysis(*others, *alerts))
    shadow["metadata"]["name"] = SHADOW
    overheard.version("1.0.0", "production")
    overheard.deployment(analysis=analysis(*some))
    overheard.apply(shadow)
    overheard.until(lambda: set(reasons(overheard).values()) == REASONS, what="an answer to each question")
    overheard.until_told("NoRollbackTarget")
    for what, (request, status) in hostile_servers.requests(operator.secrets["webhook-token"]).items():
        assert send(operator.webhook_port, request) == status, what
    for request in (b"%b\r\n\r\n", b"GET /metrics HTTP/1.1 %b\r\n\r\n"):
        assert send(operator.port, request % HEARSAY.encode()) == 400

    of_alerts = {f"/{source}/api/v1/{path}" for source in ("talkative", "silent") for path in ("query", "rules")}
    assert listening.asked >= {*SAYS, "counts", "/talkative/api/v1/query", "/silent/api/v1/query"}
    assert listening.asked <= {*SAYS, "counts", *of_alerts}
    basic = base64.b64encode(f"{secrets.USER}:{operator.secrets['password']}".encode()).decode()
    assert listening.credentials == {f"Basic {basic}", f"Bearer {operator.secrets['token']}"}
    overheard.assert_discreet()
    operator.assert_sound()

    # What is told is found: a user's word for a metric is told on, and so is everything in the log.
    overheard.deployment(analysis=analysis({**asking("not_found"), "name": HEARSAY}))
    overheard.until(lambda: HEARSAY in str(overheard.status))
    told = {f"a stranger's word in its {place}" for place in ("metrics", "requests")}
    assert set(operator.told_on(overheard.begins_at)) == told
    with operator.log.open("a") as log:
        log.write("".join(operator.secrets.values()))
    assert set(operator.told_on(overheard.begins_at)) == told | {f"the {name} in its log" for name in operator.secrets}


def reasons(stage: Stage) -> dict[str, str]:
    """Return what each metric of both ModelDeployments is said to be."""
    statuses = (stage.get("modeldeployment", name).get("status", {}) for name in (NAME, SHADOW))
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
    found = secrets.told_on(said, {"token": "secret-token-0123456789abcdef0123456789abcdef"})
    assert found == (["the token in its log"] if len(text) >= secrets.PART else [])
