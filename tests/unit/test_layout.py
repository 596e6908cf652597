"""The repository is laid out as it must be, and its front door does not lie."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pennant.api.meta import ApiModel
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.facts.command import Verb
from pennant.metrics.config import SourcesFile
from pennant.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def examples(text: str) -> list[Any]:
    """Return the YAML documents in the text of a page."""
    return [each for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) for each in yaml.safe_load_all(block)]


EXAMPLES = examples(README)
MODELS: dict[str, type[ApiModel]] = {"ModelVersion": ModelVersionSpec, "ModelDeployment": ModelDeploymentSpec}


def test_operator_is_a_source_root_and_never_a_package() -> None:
    """With an `operator/__init__.py` the standard library's `operator` is shadowed from the root of the repository."""
    assert not (ROOT / "operator" / "__init__.py").exists()
    done = subprocess.run(
        [sys.executable, "-c", "import operator; operator.add"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "kind" in each], ids=lambda each: each["kind"])
def test_an_example_of_the_readme_is_valid(example: Any) -> None:
    MODELS[example["kind"]].model_validate(example["spec"])


def test_what_the_readme_adds_to_a_deployment_is_valid() -> None:
    whole = next(each["spec"] for each in EXAMPLES if each.get("kind") == "ModelDeployment")
    (added,) = [each for each in EXAMPLES if "promotion" in each]
    analysis = whole["analysis"] | added["analysis"]
    ModelDeploymentSpec.model_validate(whole | added | {"analysis": analysis})


def test_the_commands_of_the_readme_are_all_there_are() -> None:
    named = set(re.findall(r"pennant\.dev/([a-z]+(?:-[a-z]+)*)\b(?!\d)", README))
    assert named == {*Verb, "requested-at", "requested-by", "reason"}


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) < 200


def test_the_examples_of_metric_sources_are_valid() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    sources = [SourcesFile.model_validate(each).sources for each in examples(page) if "sources" in each]
    assert [set(each) for each in sources] == [{"default"}, {"default", "payments"}]


def test_the_readme_names_both_commands_and_they_can_be_run() -> None:
    for command in ("demo", "test", ".ci/run"):
        path = ROOT / command
        assert path.stat().st_mode & 0o111, f"{command} is executable"
    assert "./demo " in README
    assert "./test " in README


def test_the_modules_that_the_architecture_names_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = {each for each in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page) if not each.startswith("tests/")}
    missing = {each for each in named if not (ROOT / "operator" / "pennant" / each).exists()}
    assert len(named) > 15
    assert not missing


def test_every_setting_is_documented() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith((".", "`.")), name


def test_nothing_names_a_place_to_fetch_packages_from() -> None:
    for name in ("requirements.lock", "requirements-runtime.lock"):
        lock = (ROOT / name).read_text()
        assert "://" not in lock
        assert "--hash=sha256:" in lock
