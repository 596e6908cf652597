"""The longest status there can be, on a real API server with a real etcd."""

import json
from pathlib import Path

from cluster.stage import NAME, Stage
from unit.api.longest import longest_status

SPEC = "long" * 25_000


def test_the_longest_status_is_taken_beside_a_long_spec_and_the_operator_goes_on_from_it(
    stage: Stage, tmp_path: Path
) -> None:
    """Each of its characters is one that the API server writes as six bytes.

    Rule: R75.
    """
    stage.version("1.0.0", "production")
    stage.version("1.1.0")
    manifest = stage.a_deployment(replicas=0, historyLimit=100, analysis={"bakeSeconds": 0})
    manifest["spec"]["template"]["metadata"]["annotations"]["notes"] = SPEC
    stage.apply(manifest)
    stage.until(lambda: stage.condition("Ready") == ("False", "ScaledToZero"), what="the end of its rollout")

    status = tmp_path / "status.json"
    status.write_text(json.dumps({"status": longest_status("<").to_json()}))
    stage.kubectl("patch", "modeldeployment", NAME, "--subresource=status", "--type=merge", f"--patch-file={status}")
    stage.until(lambda: stage.condition("HistoryIntact") == ("False", "HistoryTampered"), what="the operator's answer")
    assert len(stage.history) == 100

    stage.move_tag("1.0.0", "1.1.0")
    stage.until(lambda: stage.history[-1]["version"] == "1.1.0", what="the next revision")
    assert len(stage.history) == 100
    assert len(stage.history[0]["reason"]) == 512, "the old entries are there as they were"
    assert len(json.dumps(stage.get("modeldeployment"))) > 400_000
