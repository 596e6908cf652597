"""The rendered pod template: what the model's container gets of the record."""

from typing import Any

import pytest

from pennant.api.model_version import ModelVersionSpec
from pennant.core.rollout.revision import render
from rig.node.environment import environment
from simulation.support.story import a_record
from unit.core.builders import the_spec

DIGEST = "etag:a$$b"


def variables(uri: str, **serving: Any) -> dict[str, str]:
    """Return what the process of the model's container has in its environment."""
    record = a_record("1.0.0", artifacts=[{"name": "model", "uri": uri, "digest": DIGEST}], **serving)
    template = render("fraud", the_spec(), ModelVersionSpec.model_validate(record))
    return environment({"metadata": {}, "spec": {}}, template["spec"]["containers"][0], "127.0.0.1")


@pytest.mark.parametrize(
    "uri",
    ["s3://models/pre$$fix/$(MODEL_VERSION)/m", "s3://models/$", "s3://models/$$$(MODEL_NAME", "s3://models/${x}/$1"],
)
def test_the_process_gets_the_recorded_values(uri: str) -> None:
    """Rule: R18."""
    found = variables(uri)
    assert (found["MODEL_URI"], found["MODEL_DIGEST"]) == (uri, DIGEST)


def test_a_variable_of_the_record_may_refer_to_an_earlier_one() -> None:
    found = variables("s3://models/$$", serving={"env": [{"name": "FROM", "value": "$(MODEL_URI)/x and $$"}]})
    assert found["FROM"] == "s3://models/$$/x and $"
