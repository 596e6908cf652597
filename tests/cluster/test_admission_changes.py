"""Other field managers and admission policies change the Deployment: a version runs as recorded, or is not rolled out.

Rule: R27.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.scenario import Manifest, Scenario

ADMISSION = "admissionregistration.k8s.io/v1"
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
OLD_FLAG = {"serving": {"env": [{"name": "OLD_FLAG", "value": "1"}]}}


@contextmanager
def admission(scenario: Scenario, kind: str, **fields: Any) -> Iterator[None]:
    """Create an admission object of this kind with the name of the namespace, for as long as the context lasts."""
    made = {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": scenario.namespace}, **fields}
    scenario.kubectl("create", "-f", "-", stdin=json.dumps(made))
    try:
        yield
    finally:
        scenario.kubectl("delete", kind, scenario.namespace, "--wait=false")


def here(scenario: Scenario) -> Manifest:
    return {"matchLabels": {"kubernetes.io/metadata.name": scenario.namespace}}


@contextmanager
def mutating(scenario: Scenario, server: str, shows: str) -> Iterator[None]:
    """Have a policy change the container `server` of each Deployment of the namespace, and wait until that `shows`."""
    containers = f'containers: [Object.spec.template.spec.containers{{name: "server", {server}}}]'
    pods = f"spec: Object.spec.template.spec{{{containers}}}"
    expression = f"Object{{spec: Object.spec{{template: Object.spec.template{{{pods}}}}}}}"
    spec = {
        "matchConstraints": {"resourceRules": [{**DEPLOYMENTS, "resources": ["deployments"]}]},
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    }
    bound = {"policyName": scenario.namespace, "matchResources": {"namespaceSelector": here(scenario)}}
    with (
        admission(scenario, "MutatingAdmissionPolicy", spec=spec),
        admission(scenario, "MutatingAdmissionPolicyBinding", spec=bound),
    ):
        scenario.until(lambda: shows in probed(scenario), what="a policy that is heeded")
        yield


def probed(scenario: Scenario) -> str:
    """Return the answer of the API server to a Deployment that is not stored."""
    probe = {"name": "server", "image": "probe:1"}
    template = {"metadata": {"labels": {"app": "probe"}}, "spec": {"containers": [probe]}}
    spec = {"selector": {"matchLabels": {"app": "probe"}}, "template": template}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe"}, "spec": spec}
    asked = ("--namespace", scenario.namespace, "create", "--dry-run=server", "-o", "json", "-f", "-")
    done = scenario.rig.kubectl(*asked, stdin=json.dumps(made), check=False)
    return done.stdout + done.stderr


def variables(scenario: Scenario) -> list[str]:
    first = scenario.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return [each["name"] for each in first["env"]]


def serve_flagged(scenario: Scenario) -> None:
    """Serve 1.0.0, whose record has a variable that later versions lack."""
    scenario.accuracy("1.0.0", 0.95)
    scenario.version("1.0.0", "production", **OLD_FLAG)
    scenario.deployment(allowServing=["Env"])
    scenario.until_verified("1.0.0")
    assert "OLD_FLAG" in variables(scenario)


def promote(scenario: Scenario, old: Manifest, new: str) -> None:
    scenario.accuracy(new, 0.97)
    scenario.apply(old, scenario.a_version(new, "production"))
    scenario.until_verified(new)


def test_nothing_of_a_version_that_was_undone_to_outlives_it(scenario: Scenario) -> None:
    """kubectl owns the fields that its undo brings back."""
    serve_flagged(scenario)
    promote(scenario, scenario.a_version("1.0.0", **OLD_FLAG), "1.1.0")
    scenario.kubectl("rollout", "undo", "deployment/fraud")
    scenario.until(lambda: scenario.versions_in_history()[-1] == ("1.0.0", "Undo", "Verified"))
    assert "OLD_FLAG" in variables(scenario)
    promote(scenario, scenario.a_version("1.1.0"), "1.2.0")
    assert "OLD_FLAG" not in variables(scenario)
    assert len(scenario.all_of("replicaset")) == 3, "no pod template but those of the versions"
    assert "drift" not in scenario.status
    scenario.assert_silent()


def test_a_policy_that_changes_the_image_is_told_and_waited_for(serving: Scenario) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    with mutating(serving, 'image: "mirror.example/server:1"', "mirror.example"):
        serving.move_tag("1.0.0", "1.1.0")
        serving.until_stalled("DeploymentAltered")
        said = serving.message("Stalled")
        assert 'containers[name=server].image is "mirror.example/server:1"' in said, said
    serving.until_told("DeploymentAltered")
    assert serving.status["stable"]["version"] == "1.0.0"


def test_a_status_that_is_not_taken_is_told_by_an_event(serving: Scenario) -> None:
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
