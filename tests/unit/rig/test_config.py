import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rig import binaries, config

POD = "__meta_kubernetes_pod"
MODEL_SERVER = {
    "__address__": "127.64.1.2:8080",
    "__metrics_path__": "/metrics",
    "__meta_kubernetes_namespace": "fraud",
    f"{POD}_name": "fraud-7c9-abc",
    f"{POD}_ip": "127.64.1.2",
    f"{POD}_phase": "Running",
    f"{POD}_annotation_prometheus_io_scrape": "true",
    f"{POD}_annotation_prometheus_io_port": "9000",
    f"{POD}_label_pennant_dev_version": "1.1.0",
}


def rendered(alertmanager: str | None = None) -> dict[str, Any]:
    return config.prometheus(
        "https://127.0.0.1:1", Path("/rig/ca.crt"), Path("/rig/token"), "1s", "/rig/rules/*.yaml", alertmanager
    )


def relabeled(labels: dict[str, str]) -> dict[str, str] | None:
    """Do what Prometheus does with the rules; None where the target is dropped."""
    found = dict(labels)
    for rule in rendered()["scrape_configs"][0]["relabel_configs"]:
        value = rule.get("separator", ";").join(found.get(each, "") for each in rule.get("source_labels", []))
        pattern = re.compile(f"^(?:{rule['regex']})$" if "regex" in rule else "^(.*)$")
        match rule.get("action", "replace"):
            case "keep":
                if not pattern.match(value):
                    return None
            case "labelmap":
                found |= {match[1]: found[name] for name in labels if (match := pattern.match(name))}
            case "replace":
                if matched := pattern.match(value):
                    found[rule["target_label"]] = matched[1]
    return {name: value for name, value in found.items() if not name.startswith("__meta_")}


def test_a_pod_is_scraped_at_its_address_with_its_labels() -> None:
    assert relabeled(MODEL_SERVER) == {
        "__address__": "127.64.1.2:9000",
        "__metrics_path__": "/metrics",
        "namespace": "fraud",
        "pod": "fraud-7c9-abc",
        "pennant_dev_version": "1.1.0",
    }


@pytest.mark.parametrize(
    ("label", "value"),
    [("annotation_prometheus_io_scrape", "false"), ("phase", "Pending"), ("phase", "Succeeded"), ("phase", "Failed")],
)
def test_a_pod_that_does_not_ask_or_does_not_run_is_not_scraped(label: str, value: str) -> None:
    assert relabeled(MODEL_SERVER | {f"{POD}_{label}": value}) is None


def test_a_pod_without_the_port_annotation_is_scraped_at_its_container_port() -> None:
    without = {name: value for name, value in MODEL_SERVER.items() if not name.endswith("_port")}
    assert (relabeled(without) or {})["__address__"] == "127.64.1.2:8080"


def test_a_pod_may_name_another_path() -> None:
    assert (relabeled(MODEL_SERVER | {f"{POD}_annotation_prometheus_io_path": "/m"}) or {})["__metrics_path__"] == "/m"


@pytest.mark.parametrize("alertmanager", [None, "127.0.0.1:9093"])
def test_prometheus_accepts_the_configuration(tmp_path: Path, alertmanager: str | None) -> None:
    promtool = binaries.find("promtool")
    if promtool is None:
        pytest.skip("promtool is not built yet: `python -m rig build promtool`")
    path = config.write(tmp_path / "prometheus.json", rendered(alertmanager))
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", path], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_alerts_go_to_alertmanager_where_the_rig_has_it() -> None:
    assert "alerting" not in rendered()
    assert rendered("127.0.0.1:9093")["alerting"]["alertmanagers"] == [
        {"static_configs": [{"targets": ["127.0.0.1:9093"]}]}
    ]


def test_every_request_is_audited_once_and_writes_of_service_accounts_with_their_body() -> None:
    writes, all_others = config.AUDIT_RULES
    assert (writes["level"], writes["userGroups"]) == ("Request", ["system:serviceaccounts"])
    assert all_others == {"level": "Metadata"}
    stages = {"RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"}
    assert stages - set(config.AUDIT_POLICY["omitStages"]) == {"ResponseComplete"}


def test_the_kubeconfig_checks_the_certificate() -> None:
    (cluster,) = config.kubeconfig("https://127.0.0.1:1", Path("/rig/ca.crt"), "secret")["clusters"]
    assert cluster["cluster"] == {"server": "https://127.0.0.1:1", "certificate-authority": "/rig/ca.crt"}


def test_files_are_for_our_eyes_only(tmp_path: Path) -> None:
    path = config.write(tmp_path / "kubeconfig", {"a": 1})
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"a": 1}
