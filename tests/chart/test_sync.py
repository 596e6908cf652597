"""`pennant sync` in the chart: off by default, with an account of its own, the rights of the table and a file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, HelmError, grants, is_of_sync, only, pod_template, rendered
from chart.test_values import SCHEMA
from pennant.kube.permissions import SYNC, SYNC_TAGS
from pennant.sync.config import RegistrySettings, SyncFile, load
from pennant.sync.settings import SyncSettings

EVERYTHING: Any = yaml.safe_load((CHART / "ci" / "everything-values.yaml").read_text())
MOUNT = Path("/etc/pennant")
REGISTRY = {"name": "mlflow", "kind": "mlflow", "address": "http://mlflow.ml:5000", "namespace": "shop"}
OF_THE_CHART = {"credentials": "credentials_directory", "webhook": "webhook_secret_file"}
"""What the values have instead of a setting, which becomes the path of a file."""


def on(*registries: Any, **more: Any) -> Any:
    return {"sync": {"enabled": True, "registries": list(registries or (REGISTRY,)), **more}}


def container(values: Any) -> Any:
    (found,) = pod_template(rendered(values), "-sync")["spec"]["containers"]
    return found


def test_nothing_of_it_is_there_by_default() -> None:
    assert not [each for each in rendered() if is_of_sync(each)]
    assert not [each for each in rendered({"sync": {"registries": [REGISTRY]}}) if is_of_sync(each)]


@pytest.mark.parametrize("aliases", [{}, {"champion": "production"}], ids=["without aliases", "with aliases"])
def test_it_has_the_rights_of_the_table_in_its_namespaces_and_no_more(aliases: Any) -> None:
    other = {**REGISTRY, "name": "other", "namespace": "lab"}
    manifests = [each for each in rendered(on({**REGISTRY, "aliases": aliases}, other)) if is_of_sync(each)]
    roles = {each["metadata"]["namespace"]: grants(each) for each in manifests if each["kind"] == "Role"}
    verbs = SYNC["pennant.dev", "modelversions"]
    with_tags = {**SYNC_TAGS, ("pennant.dev", "modelversions"): verbs | SYNC_TAGS["pennant.dev", "modelversions"]}
    assert roles == {"shop": with_tags if aliases else SYNC, "lab": SYNC}
    assert not [each for each in manifests if each["kind"].startswith("ClusterRole")]
    account = only(manifests, "ServiceAccount", "-sync")["metadata"]["name"]
    for each in (each for each in manifests if each["kind"] == "RoleBinding"):
        assert each["roleRef"]["name"] in {role["metadata"]["name"] for role in manifests if role["kind"] == "Role"}
        assert each["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "pennant-system"}]
    assert account != only(rendered(), "ServiceAccount")["metadata"]["name"]


@pytest.mark.parametrize("values", [on(), EVERYTHING], ids=["least", "all"])
def test_it_understands_what_it_is_told(values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = rendered(values)
    for each in container(values)["env"]:
        monkeypatch.setenv(each["name"], each["value"])
    settings = SyncSettings.model_validate({})
    assert (settings.config, settings.port, settings.listen_address) == (MOUNT / "sync.yaml", 8080, "0.0.0.0")
    ports = {each["name"]: each["containerPort"] for each in container(values)["ports"]}
    assert ports["metrics"] == settings.port
    assert ports.get("webhooks", 0) == settings.webhook_port
    path = tmp_path / "sync.yaml"
    path.write_text(only(manifests, "ConfigMap", "-sync")["data"]["sync.yaml"])
    file = load(path)
    given = values["sync"]["registries"]
    assert [each.name for each in file.registries] == [each["name"] for each in given]
    for each, found in zip(given, file.registries, strict=True):
        plain = {name: value for name, value in each.items() if name not in OF_THE_CHART}
        assert found == RegistrySettings.model_validate(
            {
                **plain,
                **({"credentialsDirectory": f"/etc/pennant-credentials/{found.name}"} if "credentials" in each else {}),
                **({"webhookSecretFile": f"/etc/pennant/webhooks/{found.name}"} if "webhook" in each else {}),
            }
        )


def test_credentials_and_secrets_are_mounted_where_the_file_says() -> None:
    pod = pod_template(rendered(EVERYTHING), "-sync")["spec"]
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert volumes[mounts["/etc/pennant-credentials/mlflow"]]["secret"]["secretName"] == "mlflow-login"
    secret = volumes[mounts["/etc/pennant"]]["projected"]["sources"][1]["secret"]
    assert secret == {"name": "mlflow-webhook", "items": [{"key": "secret", "path": "webhooks/mlflow"}]}
    assert not [each for each in rendered(EVERYTHING) if each["kind"] == "Secret"]


def test_it_may_do_nothing_on_its_node() -> None:
    pod, operators = (pod_template(rendered(on()), suffix)["spec"] for suffix in ("-sync", ""))
    assert pod["securityContext"] == operators["securityContext"]
    assert pod["containers"][0]["securityContext"] == operators["containers"][0]["securityContext"]
    assert pod["containers"][0]["image"] == operators["containers"][0]["image"]
    writable = {each["mountPath"] for each in pod["containers"][0]["volumeMounts"] if not each.get("readOnly")}
    assert writable == {"/tmp"}


def test_there_is_one_and_another_file_is_another_pod() -> None:
    deployment = only(rendered(on()), "Deployment", "-sync")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})

    def checksum(values: Any) -> str:
        return str(pod_template(rendered(values), "-sync")["metadata"]["annotations"]["checksum/sync"])

    assert checksum(on()) != checksum(on({**REGISTRY, "pollSeconds": 5}))
    assert checksum(on()) == checksum(on() | {"replicas": 3})


def test_selectors_find_its_pod_and_not_those_of_the_operator() -> None:
    manifests = rendered(EVERYTHING)
    ours, operators = (pod_template(manifests, each)["metadata"]["labels"] for each in ("-sync", ""))
    for selector in (
        only(manifests, "Deployment", "-sync")["spec"]["selector"]["matchLabels"],
        only(manifests, "Service", "-sync")["spec"]["selector"],
        only(manifests, "NetworkPolicy", "-sync")["spec"]["podSelector"]["matchLabels"],
        only(manifests, "ServiceMonitor", "-sync")["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= ours.items()
        assert not selector.items() <= operators.items()
    service = only(manifests, "Service")["spec"]["selector"]
    assert not service.items() <= ours.items()


def test_webhooks_have_a_port_only_where_there_is_a_secret() -> None:
    assert [each["name"] for each in only(rendered(on()), "Service", "-sync")["spec"]["ports"]] == ["metrics"]
    ports = only(rendered(EVERYTHING), "Service", "-sync")["spec"]["ports"]
    assert ports[1] == {"name": "webhooks", "port": 8083, "targetPort": "webhooks"}


def test_a_network_policy_lets_it_reach_its_registries() -> None:
    registries = [
        REGISTRY,
        {**REGISTRY, "name": "b", "address": "https://mlflow.example.com"},
        {**REGISTRY, "name": "c", "address": "http://mlflow"},
        {"name": "d", "kind": "mlflow", "namespace": "shop"},
    ]
    policy = only(rendered(on(*registries) | {"networkPolicy": {"enabled": True}}), "NetworkPolicy", "-sync")["spec"]
    assert {each["port"] for each in policy["egress"][-1]["ports"]} == {5000, 443, 80}
    assert [each["ports"][0]["port"] for each in policy["ingress"]] == ["metrics"]
    given = EVERYTHING["networkPolicy"]
    policy = only(rendered(EVERYTHING), "NetworkPolicy", "-sync")["spec"]
    assert policy["ingress"][1] == {"ports": [{"port": "webhooks"}], "from": given["webhooksFrom"]}
    assert policy["egress"][-1] == {"ports": [{"port": 5000}], "to": given["registriesTo"]}


def test_the_values_of_a_registry_are_the_fields_of_its_settings() -> None:
    schema = SCHEMA["definitions"]["registry"]
    fields = {each.alias or name: name for name, each in RegistrySettings.model_fields.items()}
    own = {name for name, field in fields.items() if field not in OF_THE_CHART.values()}
    assert schema["properties"].keys() == own | OF_THE_CHART.keys()
    assert set(schema["required"]) == {
        name for name in own if RegistrySettings.model_fields[fields[name]].is_required()
    }
    known = RegistrySettings.model_json_schema()["properties"]
    for name in ("pollSeconds", "settleSeconds", "timeoutSeconds", "name"):
        bounds = ("minimum", "maximum", "maxLength", "type")
        assert {each: schema["properties"][name].get(each) for each in bounds} == {
            each: known[name].get(each) for each in bounds
        }, name
    resync = SCHEMA["properties"]["sync"]["properties"]["resyncSeconds"]
    assert resync.items() <= SyncFile.model_json_schema()["properties"]["resyncSeconds"].items()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (on(*[]) | {"sync": {"enabled": True}}, "registries"),
        (on({**REGISTRY, "alias": {}}), "alias"),
        (on({**REGISTRY, "address": "https://ada:secret@mlflow"}), "address"),
        (on({**REGISTRY, "name": "ML"}), "name"),
        (on({**REGISTRY, "pollSeconds": 0}), "pollSeconds"),
        (on({**REGISTRY, "webhook": "secret"}), "webhook"),
        (on(serviceAccount={"create": False}), "sync.serviceAccount.name must be set where"),
        ({**on(), "namespace": "lab"}, "mlflow has the namespace shop, and the operator manages only lab"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_by_its_name(major: int, values: Any, says: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(values, major=major)
    assert says in str(refused.value)
