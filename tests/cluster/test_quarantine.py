"""What ends a quarantine, what does not, and what brings a lost one back, on a real control plane."""

from collections.abc import Callable

import pytest

from cluster.stage import NAME, Manifest, Stage


def without_tag(stage: Stage, version: str) -> Manifest:
    """Return the spec of a stage that names a version."""
    manifest = stage.a_deployment()
    manifest["spec"]["version"] = version
    return manifest


def patch_status(stage: Stage, kind: str, name: str, status: str) -> None:
    """Write into a status, as an administrator can."""
    stage.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", f'{{"status":{status}}}')


def test_a_pin_ends_no_quarantine(rolled_back: Stage) -> None:
    """Rule: R63."""
    rolled_back.apply(without_tag(rolled_back, "1.0.0"))
    rolled_back.until(lambda: rolled_back.condition("TagResolved") == ("True", "VersionPinned"))
    rolled_back.until(lambda: rolled_back.condition("Ready") == ("True", "Serving"))
    rolled_back.kubectl(
        "patch", "modeldeployment", NAME, "--type=json", "-p", '[{"op":"remove","path":"/spec/version"}]'
    )
    rolled_back.applied["ModelDeployment/fraud"] = rolled_back.a_deployment()
    rolled_back.until(lambda: rolled_back.condition("RolledBack") == ("True", "MetricBreach"))
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 3, "1.0.0")
    assert rolled_back.quarantined() == [("1.1.0", "MetricBreach")]


def at_once(stage: Stage, old: str, new: str) -> None:
    stage.move_tag(old, new)


def take_then_give(stage: Stage, old: str, new: str) -> None:
    stage.version(old)
    stage.version(new, "production")


@pytest.mark.parametrize("move", [at_once, take_then_give])
def test_a_tag_that_comes_back_is_another_attempt(stage: Stage, move: Callable[[Stage, str, str], None]) -> None:
    """Where no way back was known, the failed version is in place until the tag moves away from it."""
    stage.accuracy("1.1.0", 0.5)
    stage.accuracy("1.0.0", 0.95)
    stage.version("1.1.0", "production")
    stage.version("1.0.0")
    stage.deployment()
    stage.until_stalled("NoRollbackTarget")
    move(stage, "1.1.0", "1.0.0")
    stage.until_verified("1.0.0")
    stage.until(lambda: not stage.quarantined(), what="the end of the quarantine")
    assert stage.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy", []) == []
    assert stage.history[0]["outcome"] == "RolledBack"
    assert "releasedAt" in stage.history[0]
    stage.accuracy("1.1.0", 0.97)
    move(stage, "1.0.0", "1.1.0")
    stage.until_verified("1.1.0")
    assert stage.condition("Ready") == ("True", "Serving")


def test_a_quarantine_that_somebody_takes_out_of_the_status_is_restored(rolled_back: Stage) -> None:
    """Rule: R65."""
    rolled_back.until(lambda: rolled_back.get("modelversion", "fraud-1.1.0")["status"].get("quarantinedBy"))
    known = rolled_back.status["quarantine"]
    for lost in ('{"quarantine":[]}', '{"quarantine":[],"desired":null}'):
        patch_status(rolled_back, "modeldeployment", NAME, lost)
        rolled_back.until(lambda: rolled_back.status.get("quarantine") == known, what="the quarantine")
        assert (rolled_back.served(), len(rolled_back.history)) == ("1.0.0", 3)
    rolled_back.operator.stop()
    patch_status(rolled_back, "modelversion", "fraud-1.1.0", '{"quarantinedBy":[]}')
    patch_status(rolled_back, "modeldeployment", NAME, '{"quarantine":[]}')
    rolled_back.operator.start()
    rolled_back.until(lambda: rolled_back.quarantined() == [("1.1.0", "MetricBreach")], what="the quarantine")
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 3, "1.0.0")
    assert len(rolled_back.history) == 3


def test_a_model_deployment_that_is_created_again_serves_what_was_known_good(rolled_back: Stage) -> None:
    """Rule: R64."""
    rolled_back.until(
        lambda: rolled_back.get("modelversion", "fraud-1.0.0")["status"]["servedBy"][-1].get("verifiedAt")
    )
    manifest = rolled_back.applied["ModelDeployment/fraud"]
    rolled_back.delete("modeldeployment", NAME)
    rolled_back.apply(manifest)
    rolled_back.until_verified("1.0.0")
    assert rolled_back.versions_in_history() == [("1.0.0", "AutomaticRollback", "Verified")]
    assert rolled_back.condition("RolledBack") == ("True", "MetricBreach")
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 3, "1.0.0")
