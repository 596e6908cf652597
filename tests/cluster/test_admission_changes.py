"""Whatever others own of the Deployment, add to it or refuse: a version runs as it was recorded, or a person is called.

Rule: R27.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from cluster.stage import Manifest, Stage

ADMISSION = "admissionregistration.k8s.io/v1"
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
OLD_FLAG = {"serving": {"env": [{"name": "OLD_FLAG", "value": "1"}]}}


@contextmanager
def admission(stage: Stage, kind: str, **fields: Any) -> Iterator[None]:
    """Have something of this kind for the namespace, by its name."""
    made = {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": stage.namespace}, **fields}
    stage.kubectl("create", "-f", "-", stdin=json.dumps(made))
    try:
        yield
    finally:
        stage.kubectl("delete", kind, stage.namespace)


def here(stage: Stage) -> Manifest:
    return {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}}


@contextmanager
def mutating(stage: Stage, server: str, shows: str) -> Iterator[None]:
    """Let a policy change the container `server` of each Deployment of the namespace, where it then `shows`."""
    containers = f'containers: [Object.spec.template.spec.containers{{name: "server", {server}}}]'
    pods = f"spec: Object.spec.template.spec{{{containers}}}"
    expression = f"Object{{spec: Object.spec{{template: Object.spec.template{{{pods}}}}}}}"
    spec = {
        "matchConstraints": {"resourceRules": [{**DEPLOYMENTS, "resources": ["deployments"]}]},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    }
    bound = {"policyName": stage.namespace, "matchResources": {"namespaceSelector": here(stage)}}
    with (
        admission(stage, "MutatingAdmissionPolicy", spec=spec),
        admission(stage, "MutatingAdmissionPolicyBinding", spec=bound),
    ):
        stage.until(lambda: shows in probed(stage), what="a policy that is heeded")
        yield


def probed(stage: Stage) -> str:
    """Return what the API server would make of a Deployment, or say of it."""
    probe = {"name": "server", "image": "probe:1"}
    template = {"metadata": {"labels": {"app": "probe"}}, "spec": {"containers": [probe]}}
    spec = {"selector": {"matchLabels": {"app": "probe"}}, "template": template}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}
    asked = ("--namespace", stage.namespace, "create", "--dry-run=server", "-o", "json", "-f", "-")
    done = stage.rig.kubectl(*asked, stdin=json.dumps(made), check=False)
    return done.stdout + done.stderr


def variables(stage: Stage) -> list[str]:
    first = stage.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return [each["name"] for each in first["env"]]


def serve_flagged(stage: Stage) -> None:
    """Serve 1.0.0, whose record has a variable that no later one has."""
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.0.0", "production", **OLD_FLAG)
    stage.deployment()
    stage.until_verified("1.0.0")
    assert "OLD_FLAG" in variables(stage)


def promote(stage: Stage, old: Manifest, new: str) -> None:
    stage.accuracy(new, 0.97)
    stage.apply(old, stage.a_version(new, "production"))
    stage.until_verified(new)


def test_nothing_of_a_version_that_was_undone_to_outlives_it(stage: Stage) -> None:
    """Who undoes by kubectl owns what comes back by it."""
    serve_flagged(stage)
    promote(stage, stage.a_version("1.0.0", **OLD_FLAG), "1.1.0")
    stage.kubectl("rollout", "undo", "deployment/fraud")
    stage.until(lambda: stage.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))
    assert "OLD_FLAG" in variables(stage)
    promote(stage, stage.a_version("1.1.0"), "1.2.0")
    assert "OLD_FLAG" not in variables(stage)
    assert len(stage.all_of("replicaset")) == 3, "no pod template but those of the versions"
    assert "drift" not in stage.status
    stage.assert_silent()


def test_nothing_of_a_version_that_somebody_applied_outlives_it(stage: Stage) -> None:
    serve_flagged(stage)
    whole = stage.get("deployment")
    del whole["status"]
    whole["metadata"] = {"name": whole["metadata"]["name"], "namespace": stage.namespace}
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=sleep-scheduler", "-f", "-")
    stage.kubectl(*apply, stdin=json.dumps(whole))
    promote(stage, stage.a_version("1.0.0", **OLD_FLAG), "1.1.0")
    assert "OLD_FLAG" not in variables(stage)
    assert len(stage.all_of("replicaset")) == 2
    assert "drift" not in stage.status


def injecting(stage: Stage, version: str) -> AbstractContextManager[None]:
    """Have an injector that adds a variable with its own version."""
    variable = f'Object.spec.template.spec.containers.env{{name: "INJECTED", value: "{version}"}}'
    return mutating(stage, f"env: [{variable}]", f'"value": "{version}"')


def test_an_undo_after_the_upgrade_of_an_injector_is_adopted(stage: Stage) -> None:
    """Rule: R67."""
    stage.accuracy("1.0.0", 0.95)
    with injecting(stage, "1"):
        stage.version("1.0.0", "production")
        stage.deployment()
        stage.until_verified("1.0.0")
        assert "INJECTED" in variables(stage)
        promote(stage, stage.a_version("1.0.0"), "1.1.0")
    with injecting(stage, "2"):
        stage.kubectl("rollout", "undo", "deployment/fraud")
        stage.until(lambda: stage.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))
        assert "drift" not in stage.status
        stage.assert_silent()


def test_a_policy_that_changes_the_image_is_told_and_waited_for(serving: Stage) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    with mutating(serving, 'image: "mirror.example/server:1"', "mirror.example"):
        serving.move_tag("1.0.0", "1.1.0")
        serving.until_stalled("DeploymentAltered")
        said = serving.message("Stalled")
        assert 'containers[name=server].image is "mirror.example/server:1"' in said, said
    serving.until_told("DeploymentAltered")
    assert serving.status["stable"]["version"] == "1.0.0"


def test_a_webhook_that_cannot_be_called_is_told_with_the_servers_words(serving: Stage) -> None:
    """Rule: R93."""
    webhook = {
        "name": "policy.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "rules": [{**DEPLOYMENTS, "resources": ["deployments"]}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 2,
        "namespaceSelector": here(serving),
    }
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    with admission(serving, "ValidatingWebhookConfiguration", webhooks=[webhook]):
        serving.until(lambda: "failed calling webhook" in probed(serving), what="a webhook that is asked")
        serving.move_tag("1.0.0", "1.1.0")
        serving.until_stalled("DeploymentRefused")
        assert 'failed calling webhook "policy.example.com"' in serving.message("Stalled")
        assert serving.served() == "1.0.0"
    serving.until_verified("1.1.0")


def test_a_status_that_is_not_taken_is_told_by_an_event(serving: Stage) -> None:
    """Rule: R94."""
    rule = {
        "apiGroups": ["pennant.dev"],
        "apiVersions": ["v1alpha1"],
        "operations": ["UPDATE"],
        "resources": ["modeldeployments/status"],
    }
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "failurePolicy": "Fail",
        "validations": [{"expression": "false", "message": "statuses are frozen"}],
    }
    bound = {
        "policyName": serving.namespace,
        "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": here(serving)},
    }
    with (
        admission(serving, "ValidatingAdmissionPolicy", spec=spec),
        admission(serving, "ValidatingAdmissionPolicyBinding", spec=bound),
    ):
        for replicas in range(3, 30):
            # It takes a moment until the policy is heeded.
            serving.deployment(replicas=replicas)
            if any(each["reason"] == "WriteFailing" for each in serving.all_of("event")):
                break
        serving.until_told("WriteFailing")
    told = [each["message"] for each in serving.all_of("event") if each["reason"] == "WriteFailing"]
    assert "statuses are frozen" in told[0]
