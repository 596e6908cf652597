"""The annotations with the names of users, which Git does not have: no difference, no conflict, no loop of syncs."""

import pytest

from argocd.git_scenario import GitScenario
from argocd.test_promotion import APPLIES, first_sync
from cluster.governance import govern


@pytest.mark.parametrize("options", APPLIES)
def test_what_the_policies_write_is_no_difference(git: GitScenario, options: tuple[str, ...]) -> None:
    """Argo CD creates and promotes, is Synced each time, and is named as the user. Here it is the administrator.

    Rule: R152.
    """
    governed = govern(git.rig, git.namespace)
    try:
        first_sync(git, *options)
        git.until_served("1.1.0", git.commit(git.a_version("1.0.0"), git.a_version("1.1.0", "production")))
        by_argo_cd = {"pennant.dev/created-by": "admin", "tagged-by.pennant.dev/production": "admin"}
        assert governed.users("modelversion", "fraud-1.1.0") == by_argo_cd
        assert governed.users("modelversion", "fraud-1.0.0") == {"pennant.dev/created-by": "admin"}
        generation = git.get("modelversion", "fraud-1.1.0")["metadata"]["generation"]
        git.refresh()
        git.until_app("Synced", "Healthy")
        assert git.get("modelversion", "fraud-1.1.0")["metadata"]["generation"] == generation
    finally:
        governed.end()
