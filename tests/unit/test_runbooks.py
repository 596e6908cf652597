"""The runbooks: one for each alert, with the same sections, and with commands that the plugin takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from pennant.cli.main import cli

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "charts" / "pennant" / "files" / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = [each["alert"] for each in ALERTS]
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
PLUGIN = (["kubectl", "pennant"], ["pennant"])


def page(alert: str) -> str:
    return (RUNBOOKS / f"{alert}.md").read_text()


def blocks(alert: str, language: str = "") -> list[str]:
    """Return the blocks of this language in the runbook of an alert; those without one are commands."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page(alert), re.DOTALL | re.MULTILINE)
    return [text for each, text in found if each == language]


def commands(alert: str) -> Iterator[list[str]]:
    """Yield the words of each command in the runbook of an alert."""
    for block in blocks(alert):
        yield from (words for line in block.splitlines() if (words := shlex.split(line, comments=True)))


def arguments(words: list[str]) -> list[str] | None:
    """Return the arguments of the plugin; None: it is a command of kubectl."""
    return next((words[len(each) :] for each in PLUGIN if words[: len(each)] == each), None)


def parsed(words: list[str]) -> click.Context:
    """Parse a command of the plugin as it would itself, without running it; raises `click.UsageError`."""
    with cli.make_context("pennant", list(words)) as context:
        name, command, rest = cli.resolve_command(context, words)
        assert command is not None
        return command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])
def test_the_url_of_an_alert_leads_to_its_runbook(alert: dict[str, dict[str, str]]) -> None:
    place, _, name = alert["annotations"]["runbook_url"].rpartition("/")
    assert place.endswith("/docs/runbooks")
    assert name == f"{alert['alert']}.md"
    assert (RUNBOOKS / name).is_file()


@pytest.mark.parametrize("alert", NAMES)
def test_a_runbook_has_the_usual_sections_and_stays_short(alert: str) -> None:
    text = page(alert)
    assert text.startswith(f"# {alert}\n")
    sections = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    assert sections[1::2] == SECTIONS
    assert all(each.strip() for each in sections[2::2])
    assert len(text.splitlines()) <= 45


@pytest.mark.parametrize("alert", NAMES)
def test_a_runbook_has_commands_that_the_plugin_takes(alert: str) -> None:
    known = list(commands(alert))
    assert known
    assert {words[0] for words in known} <= {"kubectl", "pennant"}
    for words in known:
        if (given := arguments(words)) is not None:
            parsed(given)


def test_a_command_that_the_plugin_does_not_take_would_be_found() -> None:
    for words in (["why", "fraud", "--why"], ["undo", "fraud", "--to-revision=one"], ["wy", "fraud"]):
        with pytest.raises(click.UsageError):
            parsed(words)


def test_the_index_has_every_alert() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| (\w+) \| (.*) \|$", page("README"), re.MULTILINE)
    assert rows == [
        (name, name, each["labels"]["severity"], each.get("for", "0s"), each["annotations"]["summary"])
        for name, each in zip(NAMES, ALERTS, strict=True)
    ]
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {*NAMES, "README"}


@pytest.mark.parametrize("alert", [*NAMES, "README"])
def test_the_links_of_a_runbook_lead_somewhere(alert: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page(alert)):
        assert (RUNBOOKS / target).is_file(), target
