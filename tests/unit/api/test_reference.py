"""The generated reference: each field, annotation, setting and reason has a description and a valid example."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pennant.api.annotations import COMMANDS, MARKS, Mark
from pennant.api.crd import crds
from pennant.api.field_reference import MODELS, example_of, fields, page
from pennant.api.reasons import Reason
from pennant.cli.manifests import schema
from pennant.cli.manifests.findings import report
from pennant.core.facts import command
from pennant.core.facts.command import Command
from pennant.runtime.settings import Settings, WrongSettings, given

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "operator" / "pennant"
EXAMPLES = {kind: (ROOT / f"docs/reference/examples/{kind.lower()}.yaml").read_text() for kind in MODELS}
DOCUMENTS = {kind: list(yaml.safe_load_all(text)) for kind, text in EXAMPLES.items()}
every_kind = pytest.mark.parametrize("kind", MODELS)


@every_kind
def test_every_field_has_a_description_and_an_example(kind: str) -> None:
    lacking = {
        each.path
        for each in fields(kind)
        if not each.schema.get("description") or example_of(each.path, DOCUMENTS[kind]) is None
    }
    assert lacking == set()


def unknown(value: object, written: object, path: str = "") -> set[str]:
    """Return the fields that were written and that the models dropped."""
    if isinstance(written, dict) and isinstance(value, dict):
        known = {path + name for name in written.keys() - value.keys()}
        return known.union(*(unknown(value.get(name), each, f"{path}{name}.") for name, each in written.items()))
    if isinstance(written, list) and isinstance(value, list):
        return set().union(*(unknown(*each, path) for each in zip(value, written, strict=True)))
    return set()


@every_kind
def test_the_examples_are_valid(kind: str) -> None:
    assert [each.sentence for each in report([(kind, EXAMPLES[kind])]).findings if each.severity == "error"] == []
    status = crds()[f"{kind.lower()}s.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    for document in DOCUMENTS[kind]:
        # As JSON has it: YAML makes times of some strings.
        value = MODELS[kind][1].model_validate(document.get("status", {})).to_json()
        assert list(schema.problems(status, value, ())) == []
        assert unknown(value, document.get("status", {})) == set()


def test_a_field_without_an_example_is_found() -> None:
    documents = [
        {"spec": {"model": "fraud", "analysis": {"metrics": [{"name": "a"}, {"name": "b", "mode": "Observe"}]}}}
    ]
    assert example_of("spec.analysis.metrics[].mode", documents) == "Observe"
    assert example_of("spec.analysis.metrics[].alert", documents) is None


def test_a_page_names_each_field_with_its_limits() -> None:
    text = page("ModelDeployment", EXAMPLES["ModelDeployment"])
    interval = next(each for each in text.splitlines() if each.startswith("- **`intervalSeconds`**"))
    assert "(integer, default `60`)" in interval
    assert "Limits: 1 to 86400." in interval
    assert interval.endswith("Example: `60`")


def constants() -> Iterator[str]:
    """Yield the names after `pennant.dev/` that the package makes, other than those of the group and of kinds."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.JoinedStr(
                    values=[ast.FormattedValue(value=ast.Name(id="GROUP")), ast.Constant(value=str(rest)), *more]
                ) if rest.startswith("/") and not more:
                    yield f"pennant.dev{rest}"


def test_every_annotation_of_the_code_is_documented() -> None:
    named = {*constants(), *(verb.annotation for verb in command.Verb)}
    # Neither the name of a controller in an Event nor the beginning of a longer name is a label or an annotation.
    assert named - {"pennant.dev/operator", "pennant.dev/"} == {
        each.name for each in MARKS if each.name.startswith("pennant.dev/")
    }


@pytest.mark.parametrize(
    "mark", [each for each in COMMANDS if each.name.rpartition("/")[2] in set(command.Verb)], ids=str
)
def test_the_example_of_a_command_is_one(mark: Mark) -> None:
    others = {each.name: each.example for each in COMMANDS if each.name.rpartition("/")[2] not in set(command.Verb)}
    read = command.read({mark.name: mark.example, **others})
    assert isinstance(read, Command)
    assert (read.value, read.by, read.reason) == (mark.example, others[command.REQUESTED_BY], others[command.REASON])


# Settings that are refused without another one.
TOGETHER = {
    "lease_duration_seconds": ["--renew-deadline-seconds=20"],
    "renew_deadline_seconds": ["--lease-duration-seconds=30"],
    "alert_webhook_port": ["--alert-webhook-token-file=/etc/pennant/alert-token"],
    "retention_deletes": ["--archive=/archive"],
    "four_eyes": ["--stamped"],
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_example_of_a_setting_is_accepted(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.examples
    section = (ROOT / "docs/reference/settings.md").read_text().split(f"## `--{name.replace('_', '-')}`\n")[1]
    example = section.split("**Example:** `")[1].split("`")[0]
    value = getattr(given([example, *TOGETHER.get(name, [])]), name)
    assert value == type(value)(field.examples[0] != "false" and field.examples[0])
    assert value != field.default


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(WrongSettings):
        given(["--port=70000"])


def fragments() -> set[str]:
    """Return the constant parts of texts in the code that decides and reads."""
    found = {each.to_do for each in Reason}
    for folder in ("core", "controller", "kube", "metrics", "sync"):
        for path in (PACKAGE / folder).rglob("*.py"):
            texts = (each.value for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Constant))
            found |= {each for each in texts if isinstance(each, str) and len(each) >= 4 and " " in each}
    return found


FRAGMENTS = fragments()


def share(message: str) -> float:
    """Return which share of a message the code says, from 0 to 1; the rest are values."""
    said = {
        place
        for each in (each for each in FRAGMENTS if each in message)
        for found in re.finditer(re.escape(each), message)
        for place in range(found.start(), found.end())
    }
    return len(said) / len(message)


@pytest.mark.parametrize("reason", Reason, ids=lambda each: each.value)
def test_the_example_of_a_reason_is_said_by_the_code(reason: Reason) -> None:
    assert reason.example.isprintable()
    assert 0 < len(reason.example) <= 512
    assert not set("{}") & set(reason.example)
    assert share(reason.example) >= 0.3


def test_a_message_that_the_code_does_not_say_is_found() -> None:
    assert share("the precision of this release dropped") < 0.3
