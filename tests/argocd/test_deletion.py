"""Applications and objects are deleted and created again."""

from argocd.git_scenario import GitScenario
from argocd.test_promotion import first_sync
from argocd.test_rollback import promote_a_bad_version
from cluster.scenario import NAME


def test_an_application_that_is_created_again_continues_with_its_objects(git: GitScenario) -> None:
    first_sync(git)
    promote_a_bad_version(git)
    history = git.history
    git.forget()
    assert git.served() == "1.0.0"
    git.application()
    git.until_app("Synced", "Degraded")
    assert [each["hash"] for each in git.history] == [each["hash"] for each in history]


def test_an_application_that_is_deleted_with_its_objects_begins_anew(git: GitScenario) -> None:
    first_sync(git)
    git.argo_cd.cli("app", "delete", git.namespace, "--cascade", "--yes", "--wait")
    git.until(lambda: not git.left() and not git.all_of("modelversion"), what="the end of everything")
    git.application()
    git.until_served("1.0.0")


def test_a_deleted_deployment_comes_back_and_takes_up_what_it_left(git: GitScenario) -> None:
    """Rule: R74."""
    first_sync(git)
    pods, history = git.pods(), git.history
    git.kubectl("delete", "modeldeployment", NAME, "--cascade=orphan")
    git.until_served("1.0.0")
    assert (git.pods(), [each["hash"] for each in git.history]) == (pods, [each["hash"] for each in history])
