"""After a rollback Git and the cluster differ in what serves, and nobody fights anybody.

The name of this file makes the only long test begin first, beside all others.
"""

import time

import pytest

from argocd.git_scenario import GitScenario
from argocd.test_promotion import first_sync
from argocd.test_rollback import promote_a_bad_version

QUIET_SECONDS = 75
"""Seven comparisons by Argo CD, and longer than the minute after which the operator repeats what can wait longest."""


@pytest.mark.timeout(QUIET_SECONDS + 240)
def test_after_a_rollback_nobody_writes(git: GitScenario) -> None:
    """Rule: R83."""
    first_sync(git)
    promote_a_bad_version(git)
    git.until_verified("1.0.0")
    time.sleep(5)
    begin, synced = git.now(), git.app["operationState"]
    time.sleep(QUIET_SECONDS)
    assert git.writes_since(begin) == []
    assert git.app["operationState"] == synced
    assert git.state() == ("Synced", "Degraded")
