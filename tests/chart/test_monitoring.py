"""What scrapes the operator, and who may reach it: the objects fit to the Service and to the pods."""

from typing import Any

import pytest
import yaml

from chart.rendering import CHART, KUBERNETES, HelmError, Manifest, only, pod_template, rendered, run_helm
from pennant.metrics.config import SourcesFile
from pennant.metrics.http import HttpSettings

EVERYTHING: Any = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
AROUND: Any = yaml.safe_load((CHART / "ci" / "pod-monitor-values.yaml").read_text())


def kinds(values: Any) -> set[str]:
    return {each["kind"] for each in rendered(values)}


def selects(selector: Any, labels: Any) -> bool:
    return bool(selector["matchLabels"].items() <= labels.items())


def container_ports(manifests: list[Manifest]) -> dict[str, int]:
    (container,) = pod_template(manifests)["spec"]["containers"]
    return {each["name"]: each["containerPort"] for each in container["ports"]}


def test_nothing_of_it_is_there_by_default() -> None:
    assert not kinds({}) & {"ServiceMonitor", "PodMonitor", "NetworkPolicy"}
    assert not [each for each in rendered() if "dashboard" in each["metadata"]["name"]]


def test_a_service_monitor_selects_the_service_and_one_of_its_ports() -> None:
    manifests = rendered(EVERYTHING)
    monitor, service = only(manifests, "ServiceMonitor"), only(manifests, "Service")
    assert selects(monitor["spec"]["selector"], service["metadata"]["labels"])
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": "metrics", "honorLabels": True, "interval": "15s", "scrapeTimeout": "5s"}
    (port,) = (each for each in service["spec"]["ports"] if each["name"] == endpoint["port"])
    assert port["targetPort"] in container_ports(manifests)
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_a_pod_monitor_selects_the_pods_and_one_of_their_ports() -> None:
    manifests = rendered(AROUND)
    monitor = only(manifests, "PodMonitor")
    assert selects(monitor["spec"]["selector"], pod_template(manifests)["metadata"]["labels"])
    assert not selects(monitor["spec"]["selector"], only(manifests, "Pod")["metadata"]["labels"])
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics", "honorLabels": True}
    assert endpoint["port"] in container_ports(manifests)


@pytest.mark.parametrize("name", ["serviceMonitor", "podMonitor"])
def test_a_monitor_without_the_api_is_refused_and_not_left_out(major: int, name: str) -> None:
    arguments = ("template", "pennant", str(CHART), "--kube-version", KUBERNETES)
    with pytest.raises(HelmError, match=rf"{name}: the cluster does not have the API monitoring\.coreos\.com/v1"):
        run_helm(major, *arguments, values={name: {"enabled": True}})


def test_a_network_policy_is_for_the_pods_and_names_their_ports() -> None:
    manifests = rendered(EVERYTHING)
    spec = only(manifests, "NetworkPolicy")["spec"]
    assert selects(spec["podSelector"], pod_template(manifests)["metadata"]["labels"])
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert {rule["ports"][0]["port"] for rule in spec["ingress"]} == container_ports(manifests).keys()
    metrics = spec["ingress"][0]["from"]
    assert metrics[:-1] == EVERYTHING["networkPolicy"]["metricsFrom"]
    assert selects(metrics[-1]["podSelector"], only(manifests, "Pod")["metadata"]["labels"]), "helm test gets through"


def test_a_network_policy_lets_the_operator_reach_what_it_needs() -> None:
    def egress(values: Any) -> list[tuple[set[int], Any]]:
        spec = only(rendered(values), "NetworkPolicy")["spec"]
        return [({port["port"] for port in rule["ports"]}, rule.get("to")) for rule in spec["egress"]]

    given = EVERYTHING["networkPolicy"]
    assert egress(EVERYTHING) == [
        ({53}, given["dnsTo"]),
        ({8443}, given["apiServerTo"]),
        ({443, 9000}, given["archiveTo"]),
        ({9091}, given["metricSourcesTo"]),
    ]
    text = only(rendered(AROUND), "ConfigMap", "-metric-sources")["data"]["sources.yaml"]
    sources = SourcesFile.model_validate(yaml.safe_load(text)).sources.values()
    ports = {_port(each.url) for each in sources if isinstance(each, HttpSettings)}
    assert ports == {9090, 443}
    assert egress(AROUND) == [({53}, None), ({443, 6443}, None), (ports, None)]
    assert len(egress(AROUND | {"metricSources": {}})) == 2


def _port(url: str) -> int:
    scheme, _, rest = url.partition("://")
    _, _, port = rest.partition("/")[0].partition(":")
    return int(port or {"http": 80, "https": 443}[scheme])
