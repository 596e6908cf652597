"""Promotion by commits: Argo CD applies objects in any order, and prunes what Git no longer has."""

import pytest

from argocd.git_scenario import GitScenario

SERVER_SIDE = "ServerSideApply=true"
APPLIES = [pytest.param((), id="client-side"), pytest.param((SERVER_SIDE,), id="server-side")]


def first_sync(git: GitScenario, *options: str) -> None:
    """Let Argo CD apply a ModelDeployment, and two versions of which 1.0.0 has the tag."""
    git.accuracy("1.0.0", 0.95)
    git.accuracy("1.1.0", 0.97)
    head = git.commit(git.a_deployment(), git.a_version("1.0.0", "production"), git.a_version("1.1.0"))
    git.application(*options)
    git.until_served("1.0.0", head)


@pytest.mark.parametrize("options", APPLIES)
def test_a_tag_is_moved_by_commits(git: GitScenario, options: tuple[str, ...]) -> None:
    first_sync(git, *options)
    git.until_served("1.1.0", git.commit(git.a_version("1.0.0"), git.a_version("1.1.0", "production")))

    # In two commits: at first both versions have the tag.
    head = git.commit(git.a_version("1.0.0", "production"))
    git.until_app("Synced", "Progressing", head)
    git.until_health("Progressing", 'TagAmbiguous: 2 ModelVersions have the tag "production"')
    assert git.served() == "1.1.0"
    git.until_served("1.0.0", git.commit(git.a_version("1.1.0")))

    # In the other order: at first no version has it.
    head = git.commit(git.a_version("1.0.0"))
    git.until_app("Synced", "Progressing", head)
    git.until_health("Progressing", 'TagUnassigned: no ModelVersion has the tag "production"; 1.0.0 keeps serving')
    git.until_served("1.1.0", git.commit(git.a_version("1.1.0", "production")))
    assert git.versions_in_history() == [
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Superseded"),
        ("1.0.0", "TagMoved", "Superseded"),
        ("1.1.0", "TagMoved", "Verified"),
    ]


def test_the_serving_version_is_pruned_and_is_still_a_rollback_target(git: GitScenario) -> None:
    first_sync(git)
    pods = git.pods()
    git.commit(remove=[git.a_version("1.0.0", "production")])
    git.wait_for(lambda: not git.exists("modelversion", "fraud-1.0.0"), "the pruning of 1.0.0")
    git.until_app("Synced", "Progressing")
    assert git.pods() == pods

    git.accuracy("1.1.0", 0.5)
    git.commit(git.a_version("1.1.0", "production"))
    git.until_rolled_back_to("1.0.0")
    git.until_app("Synced", "Degraded")
