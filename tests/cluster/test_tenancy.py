"""Which users choose what runs: the policy about pod templates on the real API server, with real users.

`dora` has the chart's role deployer, `olga` that of an operator on duty; neither may create Deployments. `edith` may:
she has the Kubernetes role `edit` as well.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.governance import (
    ARGO_CD,
    Governed,
    a_deployment,
    a_namespace,
    a_version,
    bind,
    in_production,
    kubernetes_role,
)
from cluster.scenario import Scenario
from rig import Rig

EDITOR = "edith"
ACCOUNT = "--serviceaccount=argocd:argocd-application-controller"
POD: dict[str, Any] = {"containers": [{"name": "server", "image": "registry.example/server:1"}]}
SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "payments", "key": "token"}}}


@pytest.fixture(scope="module")
def shared(rig: Rig) -> Iterator[Governed]:
    """Return a namespace for tests that change nothing."""
    with a_namespace(rig) as namespace, in_production(rig, namespace) as made:
        kubernetes_role(made, EDITOR, "edit")
        bind(made, f"{EDITOR}-deployer", "deployer", f"--user={EDITOR}")
        yield made


def pods(**spec: Any) -> Any:
    return {"template": {"spec": {**POD, **spec}}}


def container(**fields: Any) -> Any:
    return pods(containers=[{**POD["containers"][0], **fields}])


CHOICES: dict[str, Any] = {
    "an image": container(image="registry.example/other:1"),
    "a Secret": container(env=[SECRET]),
    "a volume": pods(volumes=[{"name": "keys", "secret": {"secretName": "payments"}}]),
    "a ServiceAccount": pods(serviceAccountName="payments"),
    "a node": pods(nodeName="control-plane"),
    "a priority": pods(priorityClassName="system-cluster-critical"),
    "the container": {"container": "server"},
    "the variables": {"inject": {"prefix": "LD_"}},
    "labels of the Deployment": {"metadata": {"labels": {"team": "payments"}}},
    "an existing Deployment": {"adopt": True},
    "a Service": {"service": {"ports": [{"port": 80, "targetPort": 8080}]}},
    "what versions may set": {"allowServing": ["Image"]},
    "which versions are kept": {"retention": {"keepLast": 3}},
}
FREE: dict[str, Any] = {
    "a pause": {"paused": True},
    "the number of pods": {"replicas": 3},
    "the rollout": {"rollout": {"progressDeadlineSeconds": 900}},
    "changes that are left alone": {"ignoreDrift": {"jsonPointers": ["/spec/template/spec/nodeName"]}},
    "a metric": {"analysis": {"intervalSeconds": 30}},
    "a gate": {"promotion": {"requireComplete": True}},
    "what happens when it fails": {"rollback": {"action": "Report"}},
    "the history": {"historyLimit": 10, "statusHistoryLimit": 5, "revisionHistoryLimit": 5},
}


def merged(governed: Governed, user: str, spec: Any) -> str:
    """Return what is said against a change of the ModelDeployment; it is not stored."""
    patch = ("patch", "modeldeployment", "fraud", "--type=merge", "--dry-run=server", "--patch")
    return governed.says(user, *patch, json.dumps({"spec": spec}))


@pytest.mark.parametrize("choice", CHOICES)
def test_what_runs_is_chosen_by_who_may_create_deployments(shared: Governed, choice: str) -> None:
    """The message to all others names the field and the permission.

    Rule: R180.
    """
    (field,) = CHOICES[choice]
    for user in ("dora", "olga"):
        said = merged(shared, user, CHOICES[choice])
        needed = f"{user} may not create deployments.apps in the namespace {shared.namespace}"
        assert f"{needed}, which writing spec.{field} of a ModelDeployment needs" in said
        assert "Forbidden" in said
    assert merged(shared, EDITOR, CHOICES[choice]) == ""


@pytest.mark.parametrize("change", FREE)
def test_everything_else_is_changed_without_that_permission(shared: Governed, change: str) -> None:
    """Rule: R180."""
    for user in ("dora", "olga"):
        assert merged(shared, user, FREE[change]) == ""


def test_a_modeldeployment_is_created_by_who_may_create_deployments(shared: Governed) -> None:
    """Also one that is deleted and created again.

    Rule: R180.
    """
    manifest = a_deployment()
    manifest["metadata"]["name"] = "other"
    create = ("create", "--dry-run=server", "-f", "-")
    said = shared.says("dora", *create, stdin=manifest)
    assert "dora may not create deployments.apps" in said
    assert "which writing spec.template of a ModelDeployment needs" in said
    assert shared.says(EDITOR, *create, stdin=manifest) == ""


def test_a_service_and_an_adoption_need_what_the_operator_does_for_them(shared: Governed) -> None:
    """A user who may create Deployments only gets neither a Service nor the deletion of a Deployment.

    Rule: R180.
    """
    role = ("create", "role", "workloads", "--verb=create", "--resource=deployments.apps")
    shared.rig.kubectl(*role, "--namespace", shared.namespace)
    bound = ("create", "rolebinding", "sid", "--role=workloads", "--user=sid")
    shared.rig.kubectl(*bound, "--namespace", shared.namespace)
    bind(shared, "sid-deployer", "deployer", "--user=sid")
    assert merged(shared, "sid", CHOICES["an image"]) == ""
    said = merged(shared, "sid", CHOICES["a Service"])
    assert f"sid may not create services in the namespace {shared.namespace}" in said
    said = merged(shared, "sid", CHOICES["an existing Deployment"])
    assert f"sid may not delete the Deployment fraud in the namespace {shared.namespace}" in said


def test_versions_are_deleted_by_retention_for_who_may_delete_them(shared: Governed) -> None:
    """Rule: R180."""
    for role, verbs, resource in (
        ("runs", "create", "deployments.apps"),
        ("writes", "get,patch", "modeldeployments.pennant.dev"),
    ):
        words = ("create", "role", role, f"--verb={verbs}", f"--resource={resource}", "--namespace", shared.namespace)
        shared.rig.kubectl(*words)
        bound = ("create", "rolebinding", f"wren-{role}", f"--role={role}", "--user=wren")
        shared.rig.kubectl(*bound, "--namespace", shared.namespace)
    deletes = {"retention": {"keepLast": 3, "action": "Delete"}}
    assert merged(shared, "wren", CHOICES["which versions are kept"]) == ""
    said = merged(shared, "wren", deletes)
    assert f"wren may not delete modelversions.pennant.dev in the namespace {shared.namespace}" in said
    assert merged(shared, EDITOR, deletes) == ""


def test_a_field_cannot_be_taken_away_and_the_whole_object_can_be_written_as_it_is(rig: Rig) -> None:
    """Removing a field changes what runs, too; writing all of the manifest again does not.

    Rule: R180.
    """
    with a_namespace(rig) as namespace, in_production(rig, namespace) as governed:
        both = {"allowServing": ["Image"], "metadata": {"labels": {"team": "payments"}}}
        assert governed.apply("admin", a_deployment(**both)) == ""
        remove = {"spec": {"metadata": None, "allowServing": None}}
        said = governed.merge("dora", "modeldeployment", "fraud", remove)
        assert "which writing spec." in said
        assert "spec.metadata" in said
        assert "spec.allowServing" in said
        replaced = a_deployment(**both, paused=True)
        assert governed.says("dora", "replace", "-f", "-", stdin=replaced) == ""
        assert governed.apply("olga", a_deployment(**both, replicas=2)) == ""


def test_the_account_of_argo_cd_deploys_where_it_may_create_deployments(rig: Rig) -> None:
    """A sync with a pod template is refused without the permission, and carried out with it, again and again.

    Rule: R180.
    """
    with a_namespace(rig) as namespace, in_production(rig, namespace) as governed:
        for role in ("deployer", "promoter"):
            bind(governed, f"argocd-{role}", role, ACCOUNT)
        sync = [a_version("1.0.0"), a_version("1.1.0", "production"), a_deployment(**container(image="s:2"))]
        assert f"{ARGO_CD} may not create deployments.apps" in governed.apply(ARGO_CD, *sync)
        kubernetes_role(governed, "argocd", "edit", ACCOUNT)
        for _ in range(2):
            assert governed.apply(ARGO_CD, *sync) == ""
        assert governed.users("modeldeployment") == {"pennant.dev/changed-by": ARGO_CD}


def test_a_version_does_not_choose_the_image_unless_the_modeldeployment_permits_it(serving: Scenario) -> None:
    """Rule: R181."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0", serving={"env": [{"name": "LEVEL", "value": "1"}]})
    serving.apply(
        serving.a_version("1.0.0"),
        serving.a_version("1.1.0", "production", serving={"env": [{"name": "LEVEL", "value": "1"}]}),
    )
    serving.until_stalled("ServingNotAllowed")
    said = "1.1.0 sets serving.env[LEVEL], and spec.allowServing of the ModelDeployment lacks Env; 1.0.0 keeps serving"
    assert serving.message("Stalled").startswith(said)
    assert serving.status["serving"]["version"] == "1.0.0"
    serving.deployment(allowServing=["Env"])
    serving.until_verified("1.1.0")
    serving.deployment()
    serving.assert_silent()


def test_a_source_is_read_for_its_namespaces_and_with_the_series_of_the_namespace_alone(scenario: Scenario) -> None:
    """The queries name no namespace. No series has the name of the namespace as its version.

    Rule: R184. Rule: R185.
    """
    queries = {
        "bounded": "count(count by (namespace) (model_accuracy))",
        "by-version": "count(model_accuracy)",
        "default": "count(model_accuracy) > bool 0",
        "payments": "count(model_accuracy)",
    }
    metrics = [
        {"name": source, "prometheus": {"query": query, "source": source}, "threshold": {"max": "1"}, "mode": "Observe"}
        for source, query in queries.items()
    ]
    hidden = {"query": "info(model_accuracy)", "source": "bounded"}
    metrics.append({"name": "hidden", "prometheus": hidden, "threshold": {"max": "1"}, "mode": "Observe"})
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production")
    scenario.deployment(analysis={"intervalSeconds": 1, "bakeSeconds": 1, "metrics": metrics})
    expected = {
        "bounded": "WithinThreshold",
        "by-version": "NoData",
        "default": "WithinThreshold",
        "payments": "SourceNotPermitted",
        "hidden": "QueryRefused",
    }

    def analysis() -> dict[str, Any]:
        return {each["name"]: each for each in scenario.status.get("analysis", ())}

    scenario.until(lambda: {name: each["reason"] for name, each in analysis().items()} == expected)
    found = analysis()
    assert (found["bounded"]["value"], found["default"]["value"]) == ("1", "1")
    bound = f'the query cannot be bounded to namespace="{scenario.namespace}": info is not one of the functions'
    assert bound in found["hidden"]["message"]
    assert f"does not permit this source in the namespace {scenario.namespace}" in found["payments"]["message"]
