"""The rendered pod template: what the model's container gets of the record."""

from typing import Any

import pytest

from pennant.api.meta import Json
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.core.rollout import injection
from pennant.core.rollout.revision import inputs_hash, render
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


TWO = [{"name": "model", "uri": "hf://org/base"}, {"name": "lora-adapter", "uri": "s3://b/adapter/7", "digest": DIGEST}]
POD = {
    "initContainers": [{"name": "fetch", "image": "f"}],
    "containers": [{"name": "server", "image": "s", "args": ["a"]}, {"name": "proxy", "image": "p"}],
}


def the_spec_of(template: Json, **spec: Any) -> ModelDeploymentSpec:
    return ModelDeploymentSpec.model_validate({"model": "fraud", "template": template} | spec)


def rendered(template: Json, record: dict[str, Any], **spec: Any) -> Json:
    version = ModelVersionSpec.model_validate({**a_record("1.0.0"), **record})
    return render("fraud", the_spec_of(template, **spec), version)


def values(container: Json) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", ())}


def test_the_model_reaches_its_container_and_the_init_containers() -> None:
    pod = rendered({"spec": POD}, {"artifacts": TWO, "source": {"registry": "MLflow", "version": "7"}})["spec"]
    expected = {
        "MODEL_NAME": "fraud",
        "MODEL_VERSION": "1.0.0",
        "MODEL_URI": "hf://org/base",
        "MODEL_DIGEST": "",
        "MODEL_SOURCE_VERSION": "7",
        "MODEL_URI_MODEL": "hf://org/base",
        "MODEL_DIGEST_MODEL": "",
        "MODEL_URI_LORA_ADAPTER": "s3://b/adapter/7",
        "MODEL_DIGEST_LORA_ADAPTER": "etag:a$$$$b",
    }
    assert [values(each) for each in (*pod["initContainers"], pod["containers"][0])] == [expected, expected]
    assert "env" not in pod["containers"][1]


def test_a_user_may_choose_the_containers_and_the_prefix() -> None:
    pod = rendered({"spec": POD}, {}, inject={"prefix": "ML_", "containers": ["proxy"]})["spec"]
    assert [sorted(values(each)) for each in (*pod["initContainers"], *pod["containers"])] == [
        [],
        [],
        ["ML_DIGEST", "ML_NAME", "ML_URI", "ML_VERSION"],
    ]


def test_variables_of_the_template_win_over_those_of_the_record_and_serving_over_both() -> None:
    own = [{"name": "MODEL_NAME", "value": "mine"}, {"name": "MODEL_URI", "value": "mine"}]
    template = {"spec": {"containers": [{"name": "server", "env": own}]}}
    secret = {"secretKeyRef": {"name": "hub", "key": "token"}}
    serving = {
        "env": [{"name": "MODEL_URI", "value": "theirs"}, {"name": "HF_TOKEN", "valueFrom": secret}],
        "args": ["--model=$(MODEL_URI)"],
    }
    found = rendered(template, {"serving": serving})["spec"]["containers"][0]
    assert values(found) | {"MODEL_DIGEST": ""} == {
        "MODEL_VERSION": "1.0.0",
        "MODEL_DIGEST": "",
        "MODEL_URI": "theirs",
        "HF_TOKEN": secret,
        "MODEL_NAME": "mine",
    }
    assert found["args"] == ["--model=$(MODEL_URI)"]
    said = injection.overridden(the_spec_of(template), ModelVersionSpec.model_validate(a_record("1.0.0")))
    assert said.startswith("container server sets MODEL_NAME, MODEL_URI: ")


def test_of_a_variable_or_a_port_that_is_there_twice_the_last_one_is_used() -> None:
    """A server-side apply refuses it, and a Deployment of kubectl apply takes it."""
    ports = [{"containerPort": 3000, "name": "http"}, {"containerPort": 3000, "name": "metrics", "protocol": "TCP"}]
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}, {"name": "A", "value": "2"}]
    template = {"spec": {"containers": [{"name": "server", "env": env, "ports": ports}]}}
    found = rendered(template, {})["spec"]["containers"][0]
    assert [each for each in found["env"] if not each["name"].startswith("MODEL_")] == env[1:]
    assert found["ports"] == ports[1:]
    assert injection.duplicates(the_spec_of(template)) == (
        "container server has variable A twice; container server has port 3000/TCP twice: the last one is used"
    )


def test_labels_and_annotations_follow_the_version() -> None:
    metadata = {"labels": {"version": "${version}"}, "annotations": {"note": "${model} ${version} ${other}"}}
    found = rendered({"metadata": metadata, "spec": POD}, {})["metadata"]
    assert found["labels"]["version"] == "1.0.0"
    assert found["annotations"] == {"note": "fraud 1.0.0 ${other}"}


def test_the_hash_of_the_inputs_has_injection_only_where_it_is_set() -> None:
    """Rule: R25."""
    before = "b2f66e241231"
    assert inputs_hash(the_spec_of({"spec": POD}, inject={})) == inputs_hash(the_spec_of({"spec": POD})) == before
    assert inputs_hash(the_spec_of({"spec": POD}, inject={"containers": ["proxy"]})) != before
