"""An automatic rollback under Argo CD: Synced and Degraded, with the reason, until the tag moves on."""

import pytest

from argocd.argo_cd import NAMESPACE
from argocd.git_scenario import GitScenario
from argocd.test_promotion import APPLIES, first_sync


def promote_a_bad_version(git: GitScenario) -> str:
    """Move the tag to 1.1.0, which fails; return the commit."""
    git.accuracy("1.1.0", 0.5)
    head = git.commit(git.a_version("1.0.0"), git.a_version("1.1.0", "production"))
    git.until_rolled_back_to("1.0.0")
    git.until_app("Synced", "Degraded", head)
    return head


@pytest.mark.parametrize("options", APPLIES)
def test_a_rollback_is_shown_and_ends_with_the_next_version(git: GitScenario, options: tuple[str, ...]) -> None:
    first_sync(git, *options)
    head = promote_a_bad_version(git)
    why = "Rolled back from 1.1.0 to 1.0.0: accuracy is 0.5, below 0.9, in 3 of 3 checks"
    git.until_health("Degraded", f"RolledBack: {why}. Move the tag")
    # A message alone is read at the next refresh.
    git.refresh()
    git.until_health("Healthy", "quarantined by fraud: accuracy is 0.5, below 0.9, in 3 of 3 checks", "fraud-1.1.0")

    said = {name: notifications(git, "trigger", "run", name) for name in ("on-model-degraded", "on-model-healthy")}
    assert {name: "true" in text for name, text in said.items()} == {
        "on-model-degraded": True,
        "on-model-healthy": False,
    }
    note = notifications(git, "template", "notify", "model-degraded")
    assert f"{git.namespace}/fraud: RolledBack: {why}" in note
    assert f"Commit {head}" in note

    # Git names the version that serves: there is nothing to roll out.
    git.until_served("1.0.0", git.commit(git.a_version("1.1.0"), git.a_version("1.0.0", "production")))
    assert len(git.history) == 3

    git.accuracy("1.2.0", 0.97)
    head = git.commit(git.a_version("1.0.0"), git.a_version("1.2.0", "production"))
    git.until_served("1.2.0", head)


def notifications(git: GitScenario, *words: str) -> str:
    """Run a command of the notifications for the Application; return what it prints."""
    place = ("--namespace", NAMESPACE, "--secret", ":empty", "--kubeconfig", str(git.rig.kubeconfig))
    done = git.argo_cd.admin("notifications", *words, git.namespace, *place)
    # Errors, such as that of an expression, are logged only.
    assert "failed" not in done.stderr, done.stderr
    return done.stdout
