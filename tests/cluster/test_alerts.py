"""From a breach to the notification that a person gets, through the real Prometheus and the real Alertmanager."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chart.rendering import only, rendered
from cluster.scenario import Scenario

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"


class Receiver(ThreadingHTTPServer):
    """A receiver of notifications: it keeps the alerts that Alertmanager sends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.alerts: list[dict[str, Any]] = []

    def received(self, status: str) -> list[dict[str, Any]]:
        return [each for each in self.alerts if each["status"] == status]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.alerts += json.loads(body)["alerts"]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def notifying(scenario: Scenario, receiver: Receiver) -> Iterator[Scenario]:
    """Return a scenario whose operator is scraped, with the alerts of the chart, which the receiver gets."""
    rig = scenario.rig
    scraping, sending = rig.directory / "prometheus.json", rig.directory / "alertmanager.json"
    rules = rig.rules / f"{scenario.namespace}.yaml"
    before = {path: path.read_text() for path in (scraping, sending)}
    rules.write_text(json.dumps({"groups": _quick(only(rendered({"prometheusRule": {"enabled": True}}), RULE))}))
    config = json.loads(before[scraping])
    target = {"targets": [f"127.0.0.1:{scenario.operator.port}"], "labels": {"namespace": "pennant-system"}}
    config["scrape_configs"] += [{"job_name": "pennant", "honor_labels": True, "static_configs": [target]}]
    scraping.write_text(json.dumps(config))
    hook = {"url": f"http://127.0.0.1:{receiver.server_port}/", "send_resolved": True}
    here = {"receiver": "people", "matchers": [f'namespace="{scenario.namespace}"']}
    route = {"receiver": "none", "group_wait": "0s", "group_interval": "1s", "routes": [here]}
    receivers = [{"name": "none"}, {"name": "people", "webhook_configs": [hook]}]
    sending.write_text(json.dumps({"route": route, "receivers": receivers}))
    for part in ("prometheus", "alertmanager"):
        rig.reload(part)
    yield scenario
    rules.unlink()
    for path, text in before.items():
        path.write_text(text)
    for part in ("prometheus", "alertmanager"):
        rig.reload(part)


RULE = "PrometheusRule"


def _quick(rule: Any) -> list[Any]:
    """Return the groups of a PrometheusRule, evaluated often, without the time for which alerts keep firing."""
    groups: list[Any] = rule["spec"]["groups"]
    for group in groups:
        group["interval"] = "500ms"
        for each in group["rules"]:
            each.pop("keep_firing_for", None)
    return groups


def test_a_breach_is_rolled_back_and_notified_and_the_alert_resolves_when_the_tag_moves_on(
    notifying: Scenario, receiver: Receiver
) -> None:
    notifying.accuracy("1.0.0", 0.95)
    notifying.version("1.0.0", "production")
    notifying.deployment()
    notifying.until_verified("1.0.0")
    notifying.accuracy("1.1.0", 0.5)
    notifying.version("1.1.0")
    notifying.move_tag("1.0.0", "1.1.0")
    notifying.until_rolled_back_to("1.0.0")

    notifying.until(lambda: receiver.received("firing"), what="the notification")
    alert = receiver.received("firing")[0]
    labels = {name: alert["labels"][name] for name in ("alertname", "namespace", "name", "reason", "desired_version")}
    assert labels == {
        "alertname": "PennantRolledBack",
        "namespace": notifying.namespace,
        "name": "fraud",
        "reason": "MetricBreach",
        "desired_version": "1.1.0",
    }
    assert alert["annotations"]["summary"] == "A model version failed and was rolled back."
    assert f"ModelDeployment {notifying.namespace}/fraud" in alert["annotations"]["description"]
    assert (RUNBOOKS / alert["annotations"]["runbook_url"].rpartition("/")[2]).is_file()

    notifying.accuracy("1.2.0", 0.97)
    notifying.version("1.2.0")
    notifying.move_tag("1.1.0", "1.2.0")
    notifying.until_verified("1.2.0")
    notifying.until(lambda: receiver.received("resolved"), what="the end of the alert")
    assert {each["labels"]["alertname"] for each in receiver.alerts} == {"PennantRolledBack"}, "nothing else is told"


def test_promtool_finds_nothing_wrong_with_the_metrics_of_an_operator_at_work(rolled_back: Scenario) -> None:
    code, text = rolled_back.operator.fetch("/metrics", rolled_back.operator.port)
    assert code == 200
    assert f'namespace="{rolled_back.namespace}"' in text
    promtool = str(rolled_back.rig.binary("promtool"))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
