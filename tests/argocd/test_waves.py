"""Sync waves, syncs that fail, and clients that wait for the verdict."""

from typing import Any

from argocd.git_scenario import GitScenario, in_wave
from argocd.test_promotion import SERVER_SIDE, first_sync
from cluster.plugin import kubectl_pennant
from cluster.scenario import NAME, Manifest

VERIFIED_ONLY: dict[str, Any] = {"pennant.dev__healthy_when": "Verified"}


def a_config_map(git: GitScenario, content: str) -> Manifest:
    """Return an object of a later wave."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "after", "namespace": git.namespace},
        "data": {"content": content},
    }
    return in_wave(2, manifest)


def after(git: GitScenario) -> str:
    """Return what the last wave has written."""
    return git.kubectl("get", "configmap", "after", "--ignore-not-found", "-o", "jsonpath={.data.content}")


def test_waves_hold_until_the_version_is_verified(git: GitScenario) -> None:
    git.accuracy("1.0.0", 0.95)
    git.unready("1.0.0")
    git.commit(
        in_wave(0, git.a_version("1.0.0", "production")),
        in_wave(1, git.a_deployment(), **VERIFIED_ONLY),
        a_config_map(git, "first"),
    )
    git.application()
    git.until(lambda: git.pods("1.0.0"), what="a pod that does not become ready")
    git.stays(lambda: after(git) == "" and git.operation()[0] == "Running", 3, "the wait of the last wave")
    git.unready("1.0.0", False)
    git.wait_for(lambda: after(git) == "first", "the last wave")
    assert git.condition("Verified") == ("True", "Verified")
    git.until_served("1.0.0")

    git.accuracy("1.1.0", 0.5)
    git.commit(
        in_wave(0, git.a_version("1.0.0")),
        in_wave(0, git.a_version("1.1.0", "production")),
        a_config_map(git, "second"),
    )
    git.wait_for(lambda: git.operation()[0] == "Failed" or "retry" in git.operation()[1].lower(), "the failed sync")
    assert after(git) == "first"
    git.until_rolled_back_to("1.0.0")


def test_a_deployment_before_its_versions_holds_its_own_sync_up(git: GitScenario) -> None:
    git.commit(in_wave(0, git.a_deployment()), in_wave(1, git.a_version("1.0.0", "production")))
    git.application()
    git.wait_for(lambda: git.condition("TagResolved") == ("False", "TagUnassigned"), "the first wave")
    git.stays(lambda: not git.all_of("modelversion") and git.operation()[0] == "Running", 5, "the wait for the version")
    git.accuracy("1.0.0", 0.95)
    git.version("1.0.0", "production")
    git.until_served("1.0.0")


def test_a_sync_that_fails_continues_with_the_next_commit(git: GitScenario) -> None:
    first_sync(git)
    git.commit(with_another_artifact(git))
    git.wait_for(lambda: "spec.artifacts is immutable" in git.operation()[1], "the refusal of the API server")
    git.until_served("1.0.0", git.commit(git.a_version("1.0.0", "production")))


def test_with_server_side_apply_a_refused_commit_is_not_synced_at_all(git: GitScenario) -> None:
    """Argo CD compares by a dry run, which the API server refuses."""
    first_sync(git, SERVER_SIDE)
    synced = git.app["operationState"]
    git.commit(with_another_artifact(git))
    git.wait_for(
        lambda: "spec.artifacts is immutable" in str(git.app.get("conditions")), "the refusal of the API server"
    )
    assert git.app["operationState"] == synced
    git.until_served("1.0.0", git.commit(git.a_version("1.0.0", "production")))


def with_another_artifact(git: GitScenario) -> Manifest:
    """Return a change of 1.0.0 that the API server refuses."""
    return git.a_version("1.0.0", "production", artifacts=git.a_version("1.1.0")["spec"]["artifacts"])


def test_a_promotion_in_ci_waits_for_the_verdict(git: GitScenario) -> None:
    git.accuracy("1.0.0", 0.95)
    git.accuracy("1.1.0", 0.97)
    versions = [git.a_version("1.0.0", "production"), git.a_version("1.1.0"), git.a_version("1.2.0")]
    head = git.commit(in_wave(0, git.a_deployment(), **VERIFIED_ONLY), *versions)
    git.application()
    git.until_served("1.0.0", head)

    assert promoted_in_ci(git, "1.1.0") == (0, "")
    assert git.condition("Verified") == ("True", "Verified")
    assert git.served() == "1.1.0"

    git.accuracy("1.2.0", 0.5)
    code, error = promoted_in_ci(git, "1.2.0")
    assert (code, "rolled back from 1.2.0 to 1.1.0" in error) == (1, True), error
    git.until_rolled_back_to("1.1.0")


def promoted_in_ci(git: GitScenario, version: str) -> tuple[int, str]:
    """Promote as the guide says; return the exit code and what the last command says of an error."""
    code, out, err = kubectl_pennant(git, "promote", f"fraud-{version}", "--write", str(git.repository))
    assert code == 0, f"{out}{err}"
    git.commit_all()
    git.argo_cd.cli("app", "get", git.namespace, "--refresh")
    git.argo_cd.cli("app", "wait", git.namespace, "--sync", "--health", "--degraded", "--timeout", "60")
    code, _, err = kubectl_pennant(git, "status", NAME, "--watch=false")
    return code, err
