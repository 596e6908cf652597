"""Commands and manual changes under self-heal."""

import json

from argocd.git_scenario import GitScenario
from argocd.test_promotion import first_sync
from argocd.test_rollback import promote_a_bad_version
from cluster.scenario import NAME

RESOURCE = ("--group", "pennant.dev", "--kind", "ModelDeployment", "--resource-name", NAME)


def act(git: GitScenario, action: str, **parameters: str) -> None:
    """Run an action of the ModelDeployment: by the command line, which has no parameters, or as the UI does."""
    if not parameters:
        git.argo_cd.cli("app", "actions", "run", git.namespace, action, *RESOURCE)
        return
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    where = {"namespace": git.namespace, "group": "pennant.dev", "version": "v1alpha1", "kind": "ModelDeployment"}
    body = {"name": git.namespace, **where, "resourceName": NAME, "action": action, "resourceActionParameters": given}
    git.argo_cd.post(f"applications/{git.namespace}/resource/actions/v2", body)


def disabled(git: GitScenario) -> dict[str, bool]:
    """Return the actions that Argo CD offers, and whether each is disabled."""
    listed = git.argo_cd.cli("app", "actions", "list", git.namespace, *RESOURCE, "-o", "json").stdout
    return {each["Action"]: each["Disabled"] for each in json.loads(listed)}


def test_actions_survive_self_heal(git: GitScenario) -> None:
    first_sync(git)
    git.until_served("1.1.0", git.commit(git.a_version("1.0.0"), git.a_version("1.1.0", "production")))
    assert disabled(git) == {"undo": False, "retry": True, "restart": False, "pause": False, "resume": True}

    act(git, "undo", to="1.0.0", reason="complaints")
    git.until(lambda: git.served() == "1.0.0", what="the undo")
    git.until_app("Synced", "Degraded")
    git.until_health("Degraded", "RolledBack: 1.1.0 was undone, 1.0.0 serves instead: undone by argocd: complaints")
    assert (git.history[-1]["actor"], git.history[-1]["trigger"]) == ("argocd", "Undo")

    act(git, "retry")
    git.until_served("1.1.0")
    act(git, "restart")
    git.until(lambda: git.history[-1]["trigger"] == "Restart", what="the restart")
    git.until_served("1.1.0")

    act(git, "pause")
    git.until_app("Synced", "Suspended")
    assert disabled(git) == {"undo": True, "retry": True, "restart": True, "pause": True, "resume": False}
    act(git, "resume")
    git.until_served("1.1.0")


def test_a_command_by_annotation_survives_self_heal(git: GitScenario) -> None:
    first_sync(git)
    promote_a_bad_version(git)
    git.accuracy("1.1.0", 0.97)
    git.command(retry="1.1.0", requested_at="t1", requested_by="ada")
    git.until_served("1.1.0")
    assert "pennant.dev/retry" in git.get("modeldeployment")["metadata"]["annotations"]


def test_manual_changes_are_taken_back(git: GitScenario) -> None:
    first_sync(git)
    git.merge("modelversion", "fraud-1.1.0", {"spec": {"tags": ["production"]}})
    git.wait_for(lambda: git.get("modelversion", "fraud-1.1.0")["spec"]["tags"] == [], "the tag as in Git")
    git.merge("modeldeployment", NAME, {"spec": {"replicas": 2}})
    git.wait_for(lambda: git.get("modeldeployment")["spec"]["replicas"] == 1, "the replicas as in Git")
    git.until_served("1.0.0")
