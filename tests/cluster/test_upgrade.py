"""Another release of the operator changes no running pod until there is a next revision."""

import shutil
from pathlib import Path

import pennant
from cluster.operator_process import Operator
from cluster.scenario import Scenario

VARIABLE = '"NAME": version.model, '


def a_later_release(directory: Path) -> Path:
    """Return a directory with a copy of the operator that renders one variable more."""
    package = Path(pennant.__file__).parent
    shutil.copytree(package, directory / "pennant", ignore=shutil.ignore_patterns("__pycache__"))
    rendering = directory / "pennant/core/rollout/injection.py"
    text = rendering.read_text()
    assert VARIABLE in text
    rendering.write_text(text.replace(VARIABLE, f'{VARIABLE}"RELEASE": "2", '))
    return directory


def variables(scenario: Scenario) -> set[str]:
    container = scenario.get("deployment")["spec"]["template"]["spec"]["containers"][0]
    return {each["name"] for each in container["env"]}


def test_a_new_release_changes_no_running_pod(serving: Scenario, tmp_path: Path) -> None:
    """Rule: R25."""
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    pods, operator = serving.pods(), serving.operator
    operator.stop()
    later = Operator(
        serving.rig, tmp_path / "later", operator.installation, PYTHONPATH=str(a_later_release(tmp_path / "release"))
    )
    later.start(fresh=True)
    try:
        later.wait_for("Leading")
        serving.stays(lambda: serving.pods() == pods and len(serving.history) == 1, 3, "what serves")
        serving.move_tag("1.0.0", "1.1.0")
        serving.until_verified("1.1.0")
        assert "MODEL_RELEASE" in variables(serving), "the next revision is rendered anew"
        serving.command(rollback_to="1.0.0", requested_at="t1")
        serving.until(lambda: serving.history[-1]["version"] == "1.0.0" and "rolledOutAt" in serving.history[-1])
        assert "MODEL_RELEASE" not in variables(serving), "a way back leads to the very template that served"
        assert serving.history[-1]["templateHash"] == serving.history[0]["templateHash"]
    finally:
        later.kill()
        operator.start()
