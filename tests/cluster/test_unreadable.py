"""A status that this release cannot read: written by a newer one, or by hand.

Rule: R73.
"""

import re
import shlex
from typing import Any

from cluster.scenario import Scenario


def patch(scenario: Scenario, *operations: tuple[str, Any]) -> None:
    """Write over fields of the status of the ModelDeployment."""
    scenario.patch_status(*({"op": "replace", "path": f"/{path}", "value": value} for path, value in operations))


def test_nothing_is_changed_until_the_status_can_be_read_or_is_removed(rolled_back: Scenario) -> None:
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    before = rolled_back.status
    patch(rolled_back, ("history/1/startedAt", "9999-12-31T23:59:59Z"))
    rolled_back.until_stalled("StatusUnreadable")
    message = rolled_back.message("Stalled")
    assert message.startswith("status.history[1].startedAt: must be a time between 1970 and 3000. Nothing is changed")
    assert rolled_back.condition("Ready") == ("False", "StatusUnreadable")

    rolled_back.accuracy("1.2.0", 0.97)
    rolled_back.version("1.2.0")
    rolled_back.move_tag("1.1.0", "1.2.0")
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 2, "1.0.0")
    now = rolled_back.status
    for name in ("quarantine", "stable", "serving", "applied"):
        assert now[name] == before[name], "what else the status says is not lost"
    assert now["history"][1] == before["history"][1] | {"startedAt": "9999-12-31T23:59:59Z"}
    rolled_back.operator.restart()
    rolled_back.assert_falls_silent()

    # What the message says to do; the tag has settled on another content meanwhile, and is followed then.
    found = re.search(r"kubectl (patch .*)$", message)
    assert found is not None
    rolled_back.kubectl(*shlex.split(found[1]))
    rolled_back.until_verified("1.2.0")
    good, bad, *_ = rolled_back.history
    assert bad.pop("releasedAt"), "the quarantine ended, because the tag moved"
    assert [good, bad] == before["history"][:2]
    rolled_back.until(lambda: rolled_back.condition("Ready") == ("True", "Serving"))


def test_a_word_of_a_newer_release_is_kept_and_stops_nothing(rolled_back: Scenario) -> None:
    rolled_back.until(lambda: "verifiedAt" in rolled_back.history[-1])
    patch(rolled_back, ("quarantine/0/reason", "CanaryAborted"))
    rolled_back.operator.restart()
    rolled_back.until(
        lambda: (
            rolled_back.get("modelversion", "fraud-1.1.0")["status"]["quarantinedBy"][0]["reason"] == "CanaryAborted"
        )
    )
    assert rolled_back.status["quarantine"][0]["reason"] == "CanaryAborted"
    rolled_back.until(lambda: rolled_back.condition("RolledBack") == ("True", "CanaryAborted"))
    assert rolled_back.served() == "1.0.0"
    # It is the status that is lost then, and the mark on the version that brings the word back.
    rolled_back.wipe_status()
    rolled_back.until(
        lambda: [each["reason"] for each in rolled_back.status.get("quarantine", [])] == ["CanaryAborted"]
    )
    rolled_back.stays(lambda: rolled_back.served() == "1.0.0", 2, "1.0.0")
