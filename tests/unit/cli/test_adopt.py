"""`adopt`: what it prints for each kind of object, what it refuses, and what it says must be done by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.main import main
from pennant.cli.manifests.documents import Document, documents
from pennant.cli.manifests.findings import report
from pennant.core.rollout.revision import render
from pennant.kube.http.resources import Kind
from unit.cli.adopting import INPUTS, NAMES, file_of, given, printed, rendered, serve
from unit.cli.conftest import Ran, Run
from unit.cli.fake_api import FakeApi
from unit.cli.golden_files import assert_golden

Offline = Callable[..., Ran]
SERVERS = Path(__file__).parents[3] / "examples" / "servers"
NEED_A_URI = {"bentoml", "nim", "ollama", "xinference"}
"""Servers whose Deployment does not say where the model is: it is in the image, or pulled by a name of the server's."""


@pytest.fixture
def offline(capsys: pytest.CaptureFixture[str]) -> Offline:
    """Run `pennant adopt` without a cluster."""

    def run(*args: str) -> Ran:
        code = main(["adopt", *args])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def shop(api: FakeApi) -> FakeApi:
    """Return an API server with the Deployment fraud in the namespace shop."""
    serve(api, *given("deployment"))
    return api


def said(text: str) -> str:
    """Return the text of comments that were wrapped."""
    return " ".join(line.removeprefix("  # ") for line in text.splitlines() if line.startswith("  # "))


def write(path: Path, *raws: Any) -> str:
    path.write_text(yaml.safe_dump_all(raws, sort_keys=False))
    return str(path)


def a_deployment(**spec: Any) -> dict[str, Any]:
    return {**given("deployment")[0], "metadata": {"name": "fraud"}, "spec": {**given("deployment")[0]["spec"], **spec}}


def with_containers(raw: dict[str, Any], *containers: dict[str, Any]) -> dict[str, Any]:
    raw["spec"]["template"] = {"metadata": {"labels": {"app": "fraud"}}, "spec": {"containers": list(containers)}}
    return raw


# What is printed.


@pytest.mark.parametrize("name", NAMES)
def test_each_input_is_adopted_from_its_file(offline: Offline, name: str) -> None:
    code, out, err = offline("-f", file_of(name))
    assert code == 0, err
    assert_golden(f"adopt/{name}.yaml", out.rstrip("\n"))
    assert_golden(f"adopt/{name}.err.txt", err.rstrip("\n"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_taken_by_lint_without_a_warning(offline: Offline, name: str) -> None:
    _, out, _ = offline("-f", file_of(name))
    assert report([(f"{name}.yaml", out)]).findings == ()


# Of Seldon, a cluster has the Deployment as well, with another template; its test is below.
@pytest.mark.parametrize("name", sorted({*NAMES} - {"seldon"}))
def test_a_cluster_is_read_with_the_same_result(pennant: Run, offline: Offline, api: FakeApi, name: str) -> None:
    raws = given(name)
    serve(api, *raws, namespace="shop")
    kind = Kind(raws[0]["kind"])
    code, out, err = pennant("adopt", f"{kind.lower()}/{raws[0]['metadata']['name']}", "-n", "shop")
    assert code == 0, err
    live, from_file = printed(out), printed(offline("-f", file_of(name))[1])
    for each in (*live.values(), *from_file.values()):
        each["metadata"].pop("namespace", None)
    assert live == from_file


@pytest.mark.parametrize("kind", sorted(each.name for each in SERVERS.iterdir()))
def test_an_adopted_server_runs_the_same_pods(offline: Offline, kind: str) -> None:
    file = SERVERS / kind / "deployment.yaml"
    uri = ["--uri", "oci://registry.example.com/model:1"] if kind in NEED_A_URI else []
    code, out, err = offline("-f", str(file), *uri)
    assert code == 0, err
    found = printed(out)
    assert rendered(found) == yaml.safe_load(file.read_text())["spec"]["template"]
    assert found["ModelDeployment"]["spec"]["adopt"] is True
    assert found["ModelDeployment"]["spec"]["inject"] == {"containers": []}
    assert report([("x.yaml", out)]).findings == ()


@pytest.mark.parametrize("kind", sorted(NEED_A_URI))
def test_a_model_of_which_nothing_tells_the_place_needs_it(offline: Offline, kind: str) -> None:
    code, out, err = offline("-f", str(SERVERS / kind / "deployment.yaml"))
    assert (code, out) == (1, "")
    assert "does not say where its model is. Say it with --uri, such as --uri=s3://models/" in err


def test_the_result_is_a_list_for_programs_too(offline: Offline) -> None:
    _, out, _ = offline("-f", file_of("deployment"), "-o", "json")
    found = json.loads(out)
    assert [each["kind"] for each in found["items"]] == ["ModelVersion", "ModelDeployment", "HorizontalPodAutoscaler"]
    assert {each["kind"]: each for each in found["items"]} == printed(offline("-f", file_of("deployment"))[1])


def test_a_user_chooses_what_else_is_found(offline: Offline) -> None:
    wishes = ("--model", "cards", "--version", "2.0.0", "--uri", "hf://org/cards", "--tag", "staging")
    _, out, err = offline("-f", file_of("deployment"), *wishes, "--container", "logs")
    found = printed(out)
    version = found["ModelVersion"]
    assert version["metadata"]["name"] == "cards-2.0.0"
    assert (version["spec"]["tags"], version["spec"]["artifacts"]) == (
        ["staging"],
        [{"name": "model", "uri": "hf://org/cards"}],
    )
    spec = found["ModelDeployment"]["spec"]
    assert (spec["model"], spec["tag"], spec["container"]) == ("cards", "staging", "logs")
    assert "model cards: --model\nversion 2.0.0: --version\nartifact hf://org/cards: --uri\n" in err


def test_another_name_lets_a_deployment_serve_on_beside_it(offline: Offline) -> None:
    _, out, err = offline("-f", file_of("deployment"), "--name", "fraud-2")
    found = printed(out)
    assert found["ModelDeployment"]["metadata"]["name"] == "fraud-2"
    assert "adopt" not in found["ModelDeployment"]["spec"]
    assert found["HorizontalPodAutoscaler"]["metadata"]["name"] == "fraud-2"
    assert "service fraud selects old and new pods while both run, so its traffic is split between them" in err
    steps = [line.strip() for line in err.splitlines() if line.startswith("     ")]
    assert steps[3:] == [
        'kubectl patch service fraud -p \'{"spec":{"selector":{"pennant.dev/modeldeployment":"fraud-2"}}}\' -n shop',
        "kubectl delete deployment fraud -n shop",
        "kubectl delete horizontalpodautoscaler fraud-load -n shop",
    ]


def test_a_list_of_several_objects_gives_a_pair_for_each(offline: Offline, tmp_path: Path) -> None:
    items = [*given("rollout_canary"), *given("kserve")]
    file = write(tmp_path / "all.yaml", {"apiVersion": "v1", "kind": "List", "items": items})
    code, out, _ = offline("-f", file)
    assert code == 0
    found = [each.value for each in documents(out, "") if isinstance(each, Document)]
    names = [each["metadata"]["name"] for each in found if each["kind"] == "ModelDeployment"]
    assert names == ["iris", "scorer"]
    assert report([("x.yaml", out)]).findings == ()
    assert offline("-f", file, "isvc/iris")[1] == offline("-f", file_of("kserve"))[1]


@pytest.mark.parametrize(
    ("labels", "annotations", "key", "value"),
    [
        ({}, {"argocd.argoproj.io/tracking-id": "shop:x"}, "argocd.argoproj.io/sync-options", "Prune=false"),
        ({"kustomize.toolkit.fluxcd.io/name": "shop"}, {}, "kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ({}, {"meta.helm.sh/release-name": "shop"}, "helm.sh/resource-policy", "keep"),
        (
            {"argocd.argoproj.io/instance": "shop"},
            {"argocd.argoproj.io/sync-options": "Validate=false"},
            "argocd.argoproj.io/sync-options",
            "Validate=false,Prune=false",
        ),
    ],
)
def test_a_deployment_that_a_tool_applies_is_kept_from_its_pruning(
    offline: Offline, tmp_path: Path, labels: dict[str, str], annotations: dict[str, str], key: str, value: str
) -> None:
    raw = a_deployment()
    raw["metadata"] = {"name": "fraud", "labels": labels, "annotations": annotations}
    _, out, err = offline("-f", write(tmp_path / "x.yaml", raw))
    assert f"kubectl annotate --overwrite deployment/fraud {key}={value}\n" in err
    assert printed(out)["ModelDeployment"]["spec"]["metadata"] == {"annotations": {key: value}}
    raw["metadata"]["annotations"] |= {key: value}
    assert "kubectl annotate" not in offline("-f", write(tmp_path / "y.yaml", raw))[2]


def test_replicas_without_a_number_are_those_of_the_autoscaler(offline: Offline, tmp_path: Path) -> None:
    raw = a_deployment(replicas=None)
    scaler = {**given("deployment")[1], "metadata": {"name": "fraud-load"}}
    _, out, err = offline("-f", write(tmp_path / "x.yaml", raw, scaler))
    assert printed(out)["ModelDeployment"]["spec"]["replicas"] == 2
    assert "set replicas to their number, so that the first apply ends none" in err


def test_an_autoscaler_of_another_object_is_left_alone(offline: Offline, tmp_path: Path) -> None:
    scaler = json.loads(json.dumps(given("deployment")[1]).replace('"apps/v1"', '"example.com/v1"'))
    _, out, _ = offline("-f", write(tmp_path / "x.yaml", a_deployment(), scaler))
    assert printed(out).keys() == {"ModelVersion", "ModelDeployment"}


@pytest.mark.parametrize(
    ("spec", "carried", "says"),
    [
        ({"strategy": {"type": "Recreate"}}, {"strategy": "Recreate"}, ""),
        ({"progressDeadlineSeconds": 2147483647}, {}, "spec.rollout.progressDeadlineSeconds is at most 86400"),
        ({"minReadySeconds": 7200}, {}, "spec.rollout.minReadySeconds is at most 3600"),
        ({"paused": True}, {}, "resume it first: kubectl rollout resume deployment/fraud\n"),
        ({"revisionHistoryLimit": 500}, {}, "revisionHistoryLimit: 500 becomes 100"),
    ],
)
def test_a_rollout_of_a_deployment_is_carried_over(
    offline: Offline, tmp_path: Path, spec: dict[str, Any], carried: dict[str, Any], says: str
) -> None:
    plain = {"strategy": {}, "progressDeadlineSeconds": 600, "minReadySeconds": 0, "revisionHistoryLimit": 10}
    _, out, err = offline("-f", write(tmp_path / "x.yaml", a_deployment(**plain | spec)))
    assert printed(out)["ModelDeployment"]["spec"].get("rollout", {}) == carried
    assert says in err


def test_a_rollout_under_way_is_waited_for(pennant: Run, shop: FakeApi) -> None:
    raw = shop.objects["deployments", "shop", "fraud"]
    raw["status"] = {**raw["status"], "updatedReplicas": 1}
    _, out, err = pennant("adopt", "deploy/fraud", "-n", "shop")
    assert "is not rolled out. Wait before you apply: kubectl rollout status deployment/fraud -n shop\n" in err
    assert "this name once it is at rest (its rollout is not complete at present). No pod is restarted if the" in said(
        out
    )


def test_a_paused_deployment_keeps_its_pods_only_if_its_template_stays(pennant: Run, shop: FakeApi) -> None:
    shop.touch("deployments", "fraud", "shop", paused=True)
    _, out, err = pennant("adopt", "deploy/fraud", "-n", "shop")
    assert "resume it first: kubectl rollout resume deployment/fraud -n shop\n" in err
    assert (
        "once it is at rest (it is paused at present). No pod is restarted if the pod template below is still its own "
        "then: status.adoption.replacesPods says so if it is not." in said(out)
    )


def test_at_rest_no_pod_is_restarted(pennant: Run, shop: FakeApi) -> None:
    _, out, err = pennant("adopt", "deploy/fraud", "-n", "shop")
    assert "No pod is restarted, because the pod template below is the one that runs." in said(out)
    assert "replaced" not in err


@pytest.mark.parametrize(
    ("strategy", "how"), [({}, "by a rolling update"), ({"type": "Recreate"}, "all at once (strategy Recreate)")]
)
def test_entries_that_a_container_has_twice_replace_the_pods(
    pennant: Run, shop: FakeApi, strategy: dict[str, Any], how: str
) -> None:
    level = [{"name": "LEVEL", "value": each} for each in ("1", "2")]
    ports = [{"containerPort": 80, "name": each, "protocol": "TCP"} for each in ("http", "metrics")]
    server = {"name": "server", "image": "x:1", "args": ["--model=s3://m/1"], "env": level, "ports": ports}
    raw = with_containers(a_deployment(strategy=strategy), server)
    shop.touch("deployments", "fraud", "shop", **raw["spec"])
    _, out, err = pennant("adopt", "deploy/fraud", "-n", "shop")
    replaced = (
        f"pods are replaced {how}, because a container has an entry twice. Only the last one is kept, so the template "
        "differs from the one that runs. Dropped: variable LEVEL of container server, port 80/TCP (http) of container "
        "server"
    )
    assert f"Pennant takes over the Deployment of this name. Its {replaced}." in said(out)
    assert f"Warning: the {replaced}\n" in err
    assert "No pod is restarted" not in out


@pytest.mark.parametrize(("replicas", "when"), [(0, ""), (1, "when it has no pods any more, and ")])
def test_a_replicaset_that_was_taken_over_before_replaces_the_pods(
    pennant: Run, shop: FakeApi, replicas: int, when: str
) -> None:
    found = printed(pennant("adopt", "deploy/fraud", "-n", "shop")[1])
    spec = ModelDeploymentSpec.model_validate(found["ModelDeployment"]["spec"])
    template = render("fraud", spec, ModelVersionSpec.model_validate(found["ModelVersion"]["spec"]))
    uid = shop.objects["deployments", "shop", "fraud"]["metadata"]["uid"]
    owner = {"kind": "Deployment", "name": "fraud", "uid": uid, "controller": True}
    metadata = {"name": "fraud-7d5", "namespace": "shop", "ownerReferences": [owner]}
    serve(shop, {"kind": "ReplicaSet", "metadata": metadata, "spec": {"replicas": replicas, "template": template}})
    _, out, err = pennant("adopt", "deploy/fraud", "-n", "shop")
    replaced = (
        "pods are replaced by a rolling update, because ReplicaSet fraud-7d5, which was taken over before, has the "
        f"same pod template. To keep the pods, delete it {when}before you apply this: kubectl delete replicaset "
        "fraud-7d5 -n shop"
    )
    assert f"Its {replaced}" in said(out)
    assert f"Warning: the {replaced}\n" in err
    # Another version has other labels, so that this ReplicaSet is not used.
    assert "replaced" not in pennant("adopt", "deploy/fraud", "-n", "shop", "--version=2")[2]
    # It belongs to another Deployment.
    owner["uid"] = "other"
    assert "replaced" not in pennant("adopt", "deploy/fraud", "-n", "shop")[2]


@pytest.mark.parametrize(
    "uri", ["https://key:secret@models.example.com/m", "https://b.example.com/m?X-Amz-Signature=1"]
)
def test_an_address_with_a_secret_is_warned_of(offline: Offline, uri: str) -> None:
    _, _, err = offline("-f", file_of("deployment"), "--uri", uri)
    assert f"Warning: the address {uri} may have a secret in it" in err
    assert "secret" not in offline("-f", file_of("deployment"))[2]


# KServe, Argo Rollouts and Seldon in a cluster.


def test_the_image_that_kserve_chose_is_kept(pennant: Run, api: FakeApi) -> None:
    serve(api, *given("kserve"))
    container = {"name": "kserve-container", "image": "registry.example.com/sklearn-server:v0.20.0-gpu"}
    spec = {"replicas": 5, "template": {"spec": {"containers": [container]}}}
    serve(api, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "iris-predictor"}, "spec": spec})
    _, out, _ = pennant("adopt", "isvc/iris")
    adopted = printed(out)["ModelDeployment"]["spec"]
    (served,) = adopted["template"]["spec"]["containers"]
    assert served["image"] == container["image"]
    assert adopted["replicas"] == 5


def test_a_runtime_of_the_namespace_needs_no_right_to_those_of_the_cluster(pennant: Run, api: FakeApi) -> None:
    service, runtime = given("kserve")
    serve(api, service, {**runtime, "kind": "ServingRuntime"})
    api.forbidden = {"clusterservingruntimes"}
    assert pennant("adopt", "isvc/iris")[0] == 0
    service["spec"]["predictor"]["model"]["runtime"] = "x"
    serve(api, service)
    code, _, err = pennant("adopt", "isvc/iris")
    assert code == 1
    assert "permission is missing: get clusterservingruntimes.serving.kserve.io in all namespaces" in err


def test_a_runtime_that_kserve_chose_is_in_the_status(pennant: Run, api: FakeApi) -> None:
    service, runtime = given("kserve")
    del service["spec"]["predictor"]["model"]["runtime"]
    serve(api, {**service, "status": {"clusterServingRuntimeName": "own-sklearn"}}, runtime)
    code, out, _ = pennant("adopt", "inferenceservice", "iris")
    assert code == 0
    assert printed(out)["ModelDeployment"]["spec"]["model"] == "iris"


def test_the_older_field_of_a_framework_is_a_model(offline: Offline, tmp_path: Path) -> None:
    service, runtime = given("kserve")
    predictor = service["spec"]["predictor"]
    predictor["sklearn"] = {"storageUri": "s3://models/iris/2.0.1", "runtime": "own-sklearn"}
    del predictor["model"]
    code, out, err = offline("-f", write(tmp_path / "x.yaml", service, runtime))
    assert code == 0, err
    assert printed(out)["ModelVersion"]["spec"]["artifacts"] == [{"name": "model", "uri": "s3://models/iris/2.0.1"}]


def a_pod_of_seldon() -> dict[str, Any]:
    """Return the Deployment that Seldon makes: with its engine, its variables and its init container."""
    labels = {"seldon-app": "income-main", "seldon-deployment-id": "income", "app": "income-main-0", "version": "4.0.0"}
    model = {
        "name": "classifier",
        "image": "seldonio/sklearnserver:1.18.2",
        "env": [{"name": "PREDICTOR_ID", "value": "main"}, {"name": "PREDICTIVE_UNIT_SERVICE_PORT", "value": "9000"}],
    }
    engine = {"name": "seldon-container-engine", "image": "seldonio/seldon-core-executor:1.18.2"}
    fetch = {"name": "classifier-model-initializer", "image": "seldonio/rclone-storage-initializer:1.18.2"}
    owner = {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment", "name": "income", "uid": "u"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "income-main-0-classifier", "ownerReferences": [{**owner, "controller": True}]},
        "spec": {
            "replicas": 3,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"initContainers": [fetch], "containers": [model, engine], "terminationGracePeriodSeconds": 20},
            },
        },
    }


def test_the_pods_that_seldon_made_are_kept_without_the_labels_of_its_services(pennant: Run, api: FakeApi) -> None:
    serve(api, given("seldon")[0], a_pod_of_seldon())
    code, out, err = pennant("adopt", "sdep/income")
    assert code == 0, err
    found = printed(out)
    made = a_pod_of_seldon()["spec"]["template"]
    assert rendered(found) == {**made, "metadata": {"labels": {"version": "4.0.0"}}}
    assert found["ModelDeployment"]["spec"]["replicas"] == 3
    assert found["ModelVersion"]["spec"]["artifacts"] == [{"name": "model", "uri": "gs://models/income/4.0.0"}]
    assert "--target-port=8000" in err


def test_a_prepackaged_server_is_only_known_to_the_cluster(offline: Offline, tmp_path: Path) -> None:
    (raw,) = given("seldon")
    raw["spec"]["predictors"] = [raw["spec"]["predictors"][1]]
    code, out, err = offline("-f", write(tmp_path / "x.yaml", raw))
    assert (code, out) == (1, "")
    assert err == (
        "error: seldondeployment/income says no image for classifier; it is in Seldon's settings for SKLEARN_SERVER. "
        "The Deployment in the cluster has it: kubectl pennant adopt seldondeployment/income\n"
    )


def test_a_seldon_deployment_without_pods_or_predictors_is_refused(pennant: Run, api: FakeApi) -> None:
    (raw,) = given("seldon")
    raw["spec"]["predictors"] = [raw["spec"]["predictors"][1]]
    serve(api, raw)
    code, _, err = pennant("adopt", "sdep/income")
    assert code == 1
    look = "kubectl get deployments -l seldon-deployment-id=income -n default"
    assert f"Its Deployment cannot be found: does `{look}` show it?" in err
    serve(api, {**raw, "spec": {}})
    assert "has no spec.predictors, so there is no model to serve" in pennant("adopt", "sdep/income")[2]


def test_several_artefacts_of_kserve_have_a_volume_each(offline: Offline, tmp_path: Path) -> None:
    service, runtime = given("kserve")
    predictor = service["spec"]["predictor"]
    del predictor["model"]["storageUri"]
    sources = {"/mnt/base": "s3://models/base/1", "/mnt/adapter": "hf://org/adapter", "/mnt/data": "pvc://store/data"}
    predictor["storageUris"] = [{"uri": uri, "mountPath": place} for place, uri in sources.items()]
    _, out, _ = offline("-f", write(tmp_path / "x.yaml", service, runtime))
    found = printed(out)
    assert [each["uri"] for each in found["ModelVersion"]["spec"]["artifacts"]] == list(sources.values())
    pod = found["ModelDeployment"]["spec"]["template"]["spec"]
    (fetcher,) = pod["initContainers"]
    assert fetcher["args"] == ["s3://models/base/1", "/mnt/base", "hf://org/adapter", "/mnt/adapter"]
    (served,) = pod["containers"]
    assert {each["mountPath"] for each in served["volumeMounts"]} == sources.keys()
    assert {each["name"] for each in pod["volumes"]} == {each["name"] for each in served["volumeMounts"]}


def test_a_storage_of_kserve_without_an_address_needs_it(offline: Offline, tmp_path: Path) -> None:
    service, runtime = given("kserve")
    model = service["spec"]["predictor"]["model"]
    del model["storageUri"]
    model["storage"] = {"key": "minio", "path": "iris"}
    file = write(tmp_path / "x.yaml", service, runtime)
    assert "does not say where its model is" in offline("-f", file)[2]
    code, _, err = offline("-f", file, "--uri", "s3://models/iris")
    assert code == 0
    assert "storage is not carried over: " in err


def test_the_help_says_what_is_taken_by_default(offline: Offline) -> None:
    _, out, _ = offline("--help")
    text = " ".join(out.split())
    assert "from a label, the commit or the address of the model, or the tag of the image, in this order" in text
    assert "Output format; YAML with comments if not given." in text
    assert "the only one that names a model. Required if none of these decides." in text


@pytest.mark.parametrize("uri", ["/models/fraud", "models:/fraud/3", "hf://org/m", "pvc://store/m", "file:///m"])
def test_an_address_has_a_scheme_or_is_a_path(offline: Offline, uri: str) -> None:
    _, out, _ = offline("-f", file_of("deployment"), "--uri", uri)
    assert printed(out)["ModelVersion"]["spec"]["artifacts"][0]["uri"] == uri


# What is refused.


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "required resource not specified; name an object, such as deployment/fraud, or use -f"),
        (("fraud",), "name one object as KIND/NAME, such as deployment/fraud"),
        (("deployment/",), "name one object as KIND/NAME, such as deployment/fraud"),
        (("deployment/a/b",), "name one object as KIND/NAME, such as deployment/fraud"),
        (("deploymnet/fraud",), '"deploymnet" is no kind that can be adopted; did you mean deployment/fraud?'),
        (("isv/fraud",), '"isv" is no kind that can be adopted; did you mean inferenceservice/fraud?'),
        (
            ("cronjob/fraud",),
            '"cronjob" is no kind that can be adopted; there are: deployment, inferenceservice, rollout, '
            "seldondeployment",
        ),
        (("deployment/Fraud",), 'invalid name "Fraud": it must be lower-case letters, digits, dots and dashes'),
        (
            ("deployment/frau", "-n", "shop"),
            'deployments.apps "frau" not found in namespace shop. Did you mean fraud?',
        ),
        (
            ("rollout/fraud",),
            'rollouts.argoproj.io "fraud" not found in namespace default, which has none; choose another one with -n',
        ),
        (("deployment/fraud", "-n", "shop", "--container", "x"), "has no container x; there are: server, logs"),
        (
            ("deployment/fraud", "-n", "shop", "--uri", "oops"),
            'invalid --uri "oops": it must have a scheme or be an absolute path, such as s3://models/fraud/1.0.0/',
        ),
        (("deployment/fraud", "-n", "shop", "--uri", ""), 'invalid --uri "": it must have a scheme'),
        (("deployment/fraud", "-n", "shop", "--uri", "registry.example.com:5000/m"), "it must have a scheme or be an"),
        (("deployment/fraud", "-n", "shop", "--uri", "s3:// m"), "it must have a scheme or be an absolute path"),
        (("deployment/fraud", "-n", "shop", "--model", "A"), 'invalid model "A": it must be lower-case letters'),
        (("deployment/fraud", "-n", "shop", "--version", "1+2"), 'invalid version "1+2": it must be lower-case'),
        (("deployment/fraud", "-n", "shop", "--model", "m" * 60), "characters; choose a shorter --model or --version"),
        (
            ("deployment/fraud", "-n", "shop", "--name", "n" * 53),
            "has more than 52 characters, and revisions are named",
        ),
    ],
)
def test_a_wrong_command_line_is_refused(pennant: Run, shop: FakeApi, args: tuple[str, ...], says: str) -> None:
    code, out, err = pennant("adopt", *args)
    assert (code, out) == (1, "")
    assert says in err
    assert err.startswith("error: ")


@pytest.mark.parametrize(
    ("owner", "says"),
    [
        (
            ("pennant.dev/v1alpha1", "ModelDeployment", "fraud"),
            "is already managed by ModelDeployment fraud; see `kubectl pennant get fraud -n shop`",
        ),
        (
            ("serving.kserve.io/v1beta1", "InferenceService", "fraud"),
            "is owned by InferenceService fraud; adopt that: kubectl pennant adopt inferenceservice/fraud -n shop\n",
        ),
        (("example.com/v1", "Server", "fraud"), "is owned by Server fraud; its controller would change it back."),
    ],
)
def test_a_deployment_with_an_owner_is_refused(
    pennant: Run, shop: FakeApi, owner: tuple[str, str, str], says: str
) -> None:
    reference = dict(zip(("apiVersion", "kind", "name"), owner, strict=True)) | {"controller": True, "uid": "o"}
    shop.objects["deployments", "shop", "fraud"]["metadata"]["ownerReferences"] = [reference]
    code, out, err = pennant("adopt", "deployment/fraud", "-n", "shop")
    assert (code, out) == (1, "")
    assert f'error: deployments.apps "fraud" {says}' in err


def test_a_missing_permission_is_named(pennant: Run, shop: FakeApi) -> None:
    shop.forbidden = {"deployments"}
    code, _, err = pennant("adopt", "deployment/fraud", "-n", "shop")
    assert code == 1
    assert err.startswith("error: permission is missing: get deployments.apps in namespace shop ")
    assert err.endswith("Ask an administrator for this permission\n")


def test_what_need_not_be_read_is_a_warning(pennant: Run, shop: FakeApi) -> None:
    shop.forbidden = {"horizontalpodautoscalers", "services"}
    code, out, err = pennant("adopt", "deployment/fraud", "-n", "shop")
    assert code == 0
    assert printed(out).keys() == {"ModelVersion", "ModelDeployment"}
    assert "Warning: permission is missing: list horizontalpodautoscalers.autoscaling in namespace shop" in err
    assert "if one scales this object, let its scaleTargetRef name the ModelDeployment" in err
    assert "Warning: permission is missing: list services in namespace shop" in err


def test_a_kind_that_is_not_installed_is_said(pennant: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "the server could not find the requested resource"
    monkeypatch.setattr(api, "get", lambda *_: (404, {"kind": "Status", "code": 404, "message": message}))
    code, _, err = pennant("adopt", "isvc/iris")
    assert code == 1
    assert "has no inferenceservices.serving.kserve.io: is KServe installed?" in err


def test_a_model_deployment_of_that_name_is_said(pennant: Run, shop: FakeApi) -> None:
    serve(shop, {"kind": "ModelDeployment", "metadata": {"name": "fraud", "namespace": "shop"}})
    _, _, err = pennant("adopt", "deployment/fraud", "-n", "shop")
    assert "Warning: a ModelDeployment fraud exists already: the output changes it" in err


@pytest.mark.parametrize(
    ("version", "says"),
    [
        (
            "1.4.0",
            "Warning: a ModelVersion fraud-1.4.0 exists already with another record, and cannot be changed; choose "
            "another --version",
        ),
        ("1.3.0", "fraud-1.3.0 has the tag production as well, and no version is rolled out while two have it"),
    ],
)
def test_a_model_version_that_is_in_the_way_is_said(pennant: Run, shop: FakeApi, version: str, says: str) -> None:
    spec = {"model": "fraud", "version": version, "tags": ["production"]}
    serve(shop, {"kind": "ModelVersion", "metadata": {"name": f"fraud-{version}", "namespace": "shop"}, "spec": spec})
    assert says in pennant("adopt", "deployment/fraud", "-n", "shop")[2]
    assert says not in pennant("adopt", "deployment/fraud", "-n", "shop", "--model=other", "--version=2")[2]


@pytest.mark.parametrize(
    ("tags", "also"), [(["production"], ""), (["staging"], "; its tags (staging) become production")]
)
def test_a_model_version_with_the_same_record_is_no_obstacle(
    pennant: Run, shop: FakeApi, tags: list[str], also: str
) -> None:
    version = printed(pennant("adopt", "deployment/fraud", "-n", "shop")[1])["ModelVersion"]
    serve(shop, {**version, "spec": {**version["spec"], "tags": tags, "description": "by hand"}})
    _, _, err = pennant("adopt", "deployment/fraud", "-n", "shop")
    assert f"\nModelVersion fraud-1.4.0 exists already with the same record{also}\n" in err
    assert "cannot be changed" not in err


def test_objects_that_would_be_one_version_are_refused_together(offline: Offline, tmp_path: Path) -> None:
    rollout = {**given("rollout_canary")[0], "metadata": {"name": "fraud"}}
    rollout["spec"]["template"]["metadata"]["labels"]["version"] = "1.4.0"
    code, out, err = offline("-f", write(tmp_path / "x.yaml", a_deployment(), rollout))
    assert (code, out) == (1, "")
    assert err.startswith("error: the objects cannot be adopted together: ModelVersion/fraud-1.4.0: ")
    assert err.endswith("Adopt each by itself, with --model and --name\n")


def test_a_name_that_another_deployment_has_is_refused(pennant: Run, shop: FakeApi) -> None:
    serve(shop, {**a_deployment(), "metadata": {"name": "other", "namespace": "shop"}})
    code, _, err = pennant("adopt", "deployment/fraud", "-n", "shop", "--name", "other")
    assert (code, err) == (
        1,
        "error: a Deployment other exists already; choose another name for the ModelDeployment with --name\n",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda raw: raw["spec"].pop("predictor"), "has no spec.predictor, so there is no model to serve"),
        (
            lambda raw: raw["spec"]["predictor"].pop("model"),
            "has neither spec.predictor.model nor spec.predictor.conta",
        ),
        (
            lambda raw: raw["spec"]["predictor"]["model"].pop("runtime"),
            "names no runtime, so KServe chooses one for the",
        ),
        (
            lambda raw: raw["spec"]["predictor"]["model"].update(runtime="x"),
            "needs the runtime x, and no file has it. Write it to a file and add that with -f: kubectl get "
            "clusterservingruntime x -o yaml",
        ),
        (
            lambda raw: raw["spec"]["predictor"]["model"].update(storageUri="oci://registry.example.com/m:1"),
            "has its model in the image oci://registry.example.com/m:1, which KServe mounts",
        ),
        (
            lambda raw: raw["spec"]["predictor"]["model"].update(args=["{{.Spec.X}}"]),
            "has {{.Spec.X}}, which cannot be filled in",
        ),
    ],
)
def test_an_inference_service_that_cannot_be_read_is_refused(
    offline: Offline, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    service, runtime = given("kserve")
    change(service)
    code, out, err = offline("-f", write(tmp_path / "x.yaml", service, runtime))
    assert (code, out) == (1, "")
    assert says in err


def test_a_rollout_needs_the_deployment_of_its_template(offline: Offline, tmp_path: Path) -> None:
    code, _, err = offline("-f", write(tmp_path / "x.yaml", given("rollout_reference")[0]))
    assert code == 1
    assert err.endswith("has its pod template in Deployment ranker, which is not in the files; add its file with -f\n")


def test_containers_among_which_nothing_decides_need_a_choice(offline: Offline, tmp_path: Path) -> None:
    raw = with_containers(a_deployment(), {"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"})
    code, _, err = offline("-f", write(tmp_path / "x.yaml", raw), "--uri", "s3://m")
    assert code == 1
    assert "has 2 containers: a, b. Say which one serves the model with --container" in err


def test_nothing_is_printed_if_one_object_of_several_fails(offline: Offline, tmp_path: Path) -> None:
    lost = with_containers(a_deployment(), {"name": "a", "image": "x:1"})
    other = {**with_containers(a_deployment(), {"name": "a", "image": "y:1"}), "metadata": {"name": "other"}}
    code, out, err = offline("-f", write(tmp_path / "x.yaml", lost, other, *given("kserve")))
    assert (code, out) == (1, "")
    assert [line.partition(" does not")[0] for line in err.splitlines()] == [
        "error: deployment.apps/fraud",
        "error: deployment.apps/other",
    ]


def test_a_choice_for_one_object_is_refused_for_several(offline: Offline, tmp_path: Path) -> None:
    file = write(tmp_path / "x.yaml", a_deployment(), *given("kserve"))
    code, _, err = offline("-f", file, "--uri", "s3://m")
    assert code == 1
    assert "--uri belongs to one object, and there are 2: name one of deployment/fraud, inferenceservice/iris" in err


def test_files_without_the_object_are_refused(offline: Offline, tmp_path: Path) -> None:
    code, _, err = offline("-f", file_of("kserve"), "deployment/fraud")
    assert (code, err) == (1, "error: no deployment/fraud in the files; there are: inferenceservice/iris\n")
    empty = write(tmp_path / "x.yaml", {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {}})
    code, _, err = offline("-f", empty)
    assert (code, err) == (1, "error: no object that can be adopted in the files; there are: none\n")
    (tmp_path / "y.yaml").write_text("a: [")
    assert "y.yaml:" in offline("-f", str(tmp_path / "y.yaml"))[2]


def test_what_the_api_server_would_refuse_is_not_printed(offline: Offline, tmp_path: Path) -> None:
    raw = with_containers(a_deployment(), *({"name": f"c{n}", "image": "x:1"} for n in range(17)))
    code, out, err = offline("-f", write(tmp_path / "x.yaml", raw), "--uri", "s3://m", "--container", "c1")
    assert (code, out) == (1, "")
    assert (
        "cannot be adopted as it is: ModelDeployment/fraud: spec.template.spec.containers: must have at most 16" in err
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": "x"},
        {"minReadySeconds": []},
        {"revisionHistoryLimit": "9"},
        {"template": {"spec": {"containers": 1}}},
    ],
)
def test_a_field_of_a_wrong_type_is_an_error(offline: Offline, tmp_path: Path, spec: dict[str, Any]) -> None:
    code, out, err = offline("-f", write(tmp_path / "x.yaml", a_deployment(**spec)))
    assert (code, out) == (1, "")
    assert err.startswith("error: deployment")


def test_there_is_a_golden_for_each_input() -> None:
    assert sorted(each.stem for each in INPUTS.iterdir()) == NAMES
