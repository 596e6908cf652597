"""examples/helm/models, the chart that a team copies: what it renders, and which values it refuses."""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.models_chart import MODELS, VALUES, linted, rendered, values_of
from chart.rendering import HelmError
from pennant.cli.manifests.findings import report

GOLDEN = Path(__file__).parent / "models"
every_value = pytest.mark.parametrize("name", VALUES)


def objects(name: str) -> dict[str, Any]:
    """Return what is rendered, by the name of the object."""
    found = yaml.safe_load_all(rendered(values_of(name)))
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


@every_value
def test_both_helms_lint_and_render_it(major: int, name: str) -> None:
    assert "0 chart(s) failed" in linted(values_of(name), major)
    text = rendered(values_of(name), major).strip() + "\n"
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        path.write_text(text)
    assert [*yaml.safe_load_all(text)] == [*yaml.safe_load_all(path.read_text())]


@every_value
def test_what_is_rendered_has_no_findings(name: str) -> None:
    found = report([("rendered.yaml", rendered(values_of(name)))])
    assert [each.sentence for each in found.findings] == []
    assert found.objects == len(objects(name))


def test_each_tag_is_on_the_version_that_the_values_name() -> None:
    spec = {name: each["spec"] for name, each in objects("several").items()}
    assert spec["ModelVersion/fraud-1.10"]["tags"] == ["production"]
    assert spec["ModelVersion/fraud-1.11"]["tags"] == ["staging"]
    assert spec["ModelVersion/churn-2024-05-01"]["tags"] == []


def test_values_stay_what_they_are() -> None:
    """Versions and variables stay texts, and large integers get neither a fraction nor an exponent."""
    spec = {name: each["spec"] for name, each in objects("several").items()}
    assert spec["ModelVersion/fraud-1.10"]["version"] == "1.10"
    assert spec["ModelVersion/fraud-1.10"]["training"]["seed"] == 2**53 - 1
    template = spec["ModelDeployment/fraud"]["template"]
    assert template == values_of("several")["models"]["fraud"]["deployment"]["template"]
    (container,) = template["spec"]["containers"]
    assert "4000000000" in rendered(values_of("several"))
    assert (container["env"][0]["value"], container["securityContext"]["runAsUser"]) == ("08080", 2147483647)


def test_a_model_overrides_the_defaults_also_by_zero_and_false() -> None:
    spec = {name: each["spec"] for name, each in objects("several").items()}
    fraud, churn = spec["ModelDeployment/fraud"], spec["ModelDeployment/churn"]
    assert (fraud["replicas"], fraud["paused"]) == (0, False)
    assert fraud["rollout"] == {"maxSurge": 0, "progressDeadlineSeconds": 600}
    assert (churn["replicas"], churn["paused"]) == (3, True)
    assert churn["rollout"] == {"maxSurge": 2, "progressDeadlineSeconds": 600}


def test_a_promotion_is_one_value(major: int) -> None:
    before = rendered(values_of("default"), major).splitlines()
    promoted = values_of("default")
    promoted["models"]["fraud"]["tags"]["production"] = "1.1.0"
    after = rendered(promoted, major).splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2, "the tags of two versions"


def changed(*steps: str | int, value: Any) -> Any:
    found: Any = deepcopy(values_of("default"))
    node = found
    for step in steps[:-1]:
        node = node[step]
    node[steps[-1]] = value
    return found


FRAUD = ("models", "fraud")


@pytest.mark.parametrize(
    ("values", "says"),
    {
        "a version without quotes": (changed(*FRAUD, "versions", 0, "version", value=1.1), "versions/0/version"),
        "a tag without quotes": (changed(*FRAUD, "tags", "production", value=1.1), "tags/production"),
        "a tag of a version that is not there": (
            changed(*FRAUD, "tags", "production", value="1.2.0"),
            "models.fraud.tags.production is 1.2.0, and models.fraud.versions has only 1.0.0, 1.1.0",
        ),
        "a version with a model of its own": (
            changed(*FRAUD, "versions", 0, "model", value="churn"),
            "versions/0/model",
        ),
        "tags at a version": (changed(*FRAUD, "versions", 0, "tags", value=["production"]), "versions/0/tags"),
        "a model without a template": (changed(*FRAUD, "deployment", value={"replicas": 1}), "template"),
        "a typo beside versions": (changed(*FRAUD, "tag", value={}), "tag"),
        "a name in capitals": (changed("models", "Churn", value=values_of("default")["models"]["fraud"]), "Churn"),
        "a seed that Helm would round": (
            changed(*FRAUD, "versions", 0, "training", value={"seed": 2**53 + 1}),
            "training/seed",
        ),
    }.values(),
)
def test_values_that_would_be_rendered_wrong_are_refused(major: int, values: Any, says: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(values, major)
    # Helm 3 writes a path in the values with dots, Helm 4 with slashes.
    assert says in str(refused.value) or says.replace("/", ".") in str(refused.value)


def test_the_schema_is_json_and_names_every_value() -> None:
    schema = json.loads((MODELS / "values.schema.json").read_text())
    assert values_of("default").keys() <= schema["properties"].keys()
