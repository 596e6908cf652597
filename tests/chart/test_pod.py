"""The operator's pod: what it is told, what it reads, and how little it is allowed on its node."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, environment, only, pod_template, rendered
from pennant.metrics.config import SourcesFile, load
from pennant.metrics.http import HttpSettings
from pennant.runtime.app import SystemClock
from pennant.runtime.settings import Settings

EVERYTHING: Any = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
MOUNT = Path("/etc/pennant")


def container(values: Any = None) -> Any:
    (found,) = pod_template(rendered(values))["spec"]["containers"]
    return found


def settings(values: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment(rendered(values)).items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_what_it_is_told_are_settings_that_there_are() -> None:
    assert environment(rendered()).keys() <= {f"PENNANT_{name}".upper() for name in Settings.model_fields}


def test_it_understands_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings(EVERYTHING, monkeypatch)
    given = EVERYTHING["settings"]
    assert (told.namespace, told.lease_name, told.lease_namespace) == ("models", "flagpole", "pennant-system")
    assert told.leader_election
    assert (told.listen_address, told.port) == ("0.0.0.0", 8080)
    assert (told.resync_seconds, told.workers) == (given["resyncSeconds"], given["workers"])
    assert told.version_workers == given["versionWorkers"]
    assert (told.mass_breach_count, told.mass_breach_percent) == (given["massBreachCount"], given["massBreachPercent"])
    assert told.lease_duration_seconds == given["leaseDurationSeconds"]
    assert told.renew_deadline_seconds == given["renewDeadlineSeconds"]
    assert told.retry_period_seconds == given["retryPeriodSeconds"]
    assert (told.log_format, told.log_level) == ("console", "DEBUG")


def test_nothing_else_tells_it_anything() -> None:
    """A Service `pennant` in the namespace would set PENNANT_PORT to `tcp://10.0.0.1:8080`."""
    assert pod_template(rendered())["spec"]["enableServiceLinks"] is False


def test_a_pod_is_probed_where_the_operator_listens() -> None:
    probed = container()
    (port,) = probed["ports"]
    assert str(port["containerPort"]) == environment(rendered())["PENNANT_PORT"]
    paths = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    for probe, path in paths.items():
        assert probed[probe]["httpGet"] == {"path": path, "port": port["name"]}
    service = only(rendered(EVERYTHING), "Service")["spec"]["ports"][0]
    assert service == {"name": "metrics", "port": 80, "targetPort": port["name"]}


def test_alertmanager_reaches_the_webhook_where_there_is_a_token_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings({}, monkeypatch).alert_webhook_port == 0
    told, ports = settings(EVERYTHING, monkeypatch), container(EVERYTHING)["ports"]
    assert told.alert_webhook_token_file == MOUNT / "alert-webhook.token"
    (port,) = (each for each in ports if each["name"] == "alerts")
    assert (told.alert_webhook_address, told.alert_webhook_port) == ("0.0.0.0", port["containerPort"])
    (service,) = (each for each in only(rendered(EVERYTHING), "Service")["spec"]["ports"] if each["name"] == "alerts")
    assert service == {"name": "alerts", "port": 9096, "targetPort": "alerts"}


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ({}, "pennant:0.1.0"),
        ({"tag": "1.2.3"}, "pennant:1.2.3"),
        ({"tag": "1.2.3", "digest": f"sha256:{'a' * 64}"}, f"pennant@sha256:{'a' * 64}"),
        ({"repository": "registry.example.com:5000/a/b"}, "registry.example.com:5000/a/b:0.1.0"),
    ],
)
def test_the_image_is_named_by_tag_or_digest(image: Any, named: str) -> None:
    assert container({"image": image})["image"] == named
    # Pods fetch artefacts by the same one.
    assert environment(rendered({"image": image}))["PENNANT_FETCH_IMAGE"] == named


def test_it_may_do_nothing_on_its_node() -> None:
    pod, its = pod_template(rendered())["spec"], container()
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert its["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {each["mountPath"] for each in its["volumeMounts"] if not each.get("readOnly")}
    assert writable == {"/tmp"}
    assert not any(name in pod for name in ("hostNetwork", "hostPID", "hostIPC"))
    assert its["resources"]["limits"]["memory"]
    # Only the pods that say so get the token.
    assert only(rendered(), "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is True


def test_where_it_runs_is_as_the_values_say() -> None:
    pod = pod_template(rendered(EVERYTHING))["spec"]
    for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName", "imagePullSecrets"):
        assert pod[name] == EVERYTHING[name]
    (spread,) = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["none", "all"])
async def test_the_operator_reads_the_file_of_metric_sources(values: Any, tmp_path: Path) -> None:
    manifests = rendered(values)
    path = tmp_path / "sources.yaml"
    path.write_text(only(manifests, "ConfigMap", "-metric-sources")["data"]["sources.yaml"])
    sources = load(path, lambda *_: None, SystemClock())
    assert set(sources) == values.get("metricSources", {}).keys()
    await sources.aclose()
    assert environment(manifests)["PENNANT_METRIC_SOURCES"] == str(MOUNT / "sources.yaml")


def test_every_file_that_a_source_names_is_mounted_from_its_secret() -> None:
    manifests = rendered(EVERYTHING)
    text = only(manifests, "ConfigMap", "-metric-sources")["data"]["sources.yaml"]
    read = SourcesFile.model_validate(yaml.safe_load(text)).sources
    default, another = read["default"], read["another"]
    assert isinstance(default, HttpSettings)
    assert isinstance(another, HttpSettings)
    assert another.basic_auth is not None
    assert (another.basic_auth.username, default.headers, default.timeout_seconds) == (
        "on",
        {"X-Scope-OrgID": "12"},
        2.5,
    )
    files = mounted(manifests)
    assert files == {
        MOUNT / "sources.yaml": ("configMap", "flagpole-metric-sources", "sources.yaml"),
        MOUNT / "alert-webhook.token": ("secret", "pennant-alerts", "token"),
        default.bearer_token_file: ("secret", "prometheus-token", "token"),
        default.ca_file: ("secret", "prometheus-token", "ca.crt"),
        default.header_files["X-Api-Key"]: ("secret", "prometheus-token", "api-key"),
        another.basic_auth.password_file: ("secret", "mimir-login", "password"),
        another.ca_file: ("configMap", "mimir-ca", "ca.crt"),
    }


def mounted(manifests: Any) -> dict[Path, tuple[str, str, str]]:
    """Return what the pod sees beneath the mount: kind, name and key of where each file comes from."""
    pod = pod_template(manifests)["spec"]
    (mount,) = (each for each in pod["containers"][0]["volumeMounts"] if each["name"] == "metric-sources")
    (volume,) = (each for each in pod["volumes"] if each["name"] == "metric-sources")
    found: dict[Path, tuple[str, str, str]] = {}
    for source in volume["projected"]["sources"]:
        ((kind, each),) = source.items()
        # Without items a ConfigMap is mounted whole.
        items = each.get("items") or [
            {"key": key, "path": key} for key in only(manifests, "ConfigMap", "-metric-sources")["data"]
        ]
        found |= {Path(mount["mountPath"]) / item["path"]: (kind, each["name"], item["key"]) for item in items}
    return found


def test_another_source_is_another_pod() -> None:
    def checksum(values: Any) -> str:
        return str(pod_template(rendered(values))["metadata"]["annotations"]["checksum/metric-sources"])

    one, other = ({"metricSources": {"default": {"url": f"http://{host}:9090"}}} for host in ("a", "b"))
    assert checksum(one) != checksum(other)
    assert checksum(one) == checksum({**one, "replicas": 3})


def test_an_archive_on_a_volume_is_mounted_where_the_operator_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"archive": {"persistentVolumeClaim": "disk", "subPath": "models"}}
    spec = pod_template(rendered(values))["spec"]
    (volume,) = (each for each in spec["volumes"] if each["name"] == "archive")
    assert volume["persistentVolumeClaim"] == {"claimName": "disk"}
    (mount,) = (each for each in container(values)["volumeMounts"] if each["name"] == "archive")
    assert mount == {"name": "archive", "mountPath": settings(values, monkeypatch).archive, "subPath": "models"}
    assert spec["securityContext"]["fsGroup"] == 65532
    assert "fsGroup" not in pod_template(rendered())["spec"]["securityContext"]


def test_an_archive_in_a_bucket_gets_its_url_and_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings(EVERYTHING, monkeypatch)
    assert told.archive == EVERYTHING["archive"]["url"]
    assert (told.retention_deletes, told.retention_seconds, told.retention_deletes_per_second) == (True, 600, 2.5)
    assert environment(rendered(EVERYTHING))["AWS_REGION"] == "eu-central-1"
    assert container(EVERYTHING)["envFrom"] == [{"secretRef": {"name": "archive-login"}}]
    assert "envFrom" not in container()


def test_a_bucket_may_be_reached_through_the_network_policy() -> None:
    policy = only(rendered(EVERYTHING), "NetworkPolicy")
    rules = [each for each in policy["spec"]["egress"] if {"port": 9000} in each["ports"]]
    assert rules == [{"ports": [{"port": 443}, {"port": 9000}], "to": EVERYTHING["networkPolicy"]["archiveTo"]}]
    plain = only(rendered({"networkPolicy": {"enabled": True}}), "NetworkPolicy")
    assert len(plain["spec"]["egress"]) == 2, "DNS and the API server"
