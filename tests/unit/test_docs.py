"""What the pages say exists: links lead somewhere, manifests are valid, commands parse, names are those of the code."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import jsonschema
import pytest
import yaml

from pennant import __version__
from pennant.api.annotations import MARKS
from pennant.api.field_reference import MODELS, fields
from pennant.api.reasons import ConditionType, VersionConditionType
from pennant.cli.main import cli
from pennant.cli.manifests.findings import report
from pennant.runtime.own_metrics import sync_definitions
from pennant.runtime.settings import Settings
from pennant.runtime.telemetry import Telemetry
from pennant.sync.config import SyncFile
from pennant.sync.settings import SyncSettings
from rig.helm import PACKAGES
from rig.programs import ALERTMANAGER_VERSION, KUBERNETES_VERSION, PROMETHEUS_VERSION
from unit.docs_pages import ROOT, Page, anchor, pages

PAGES = {str(each): each for each in pages()}
# Hosts that the pages link to. A new one is a decision: the site promises that the address stays.
HOSTS = {"kind.sigs.k8s.io", "pre-commit.com"}
AVOIDED = {"whoever": "name the user, the client or the object"}
OTHERS_MARKS = {"pennant.dev/v1alpha1", "pennant.dev/"}

every_page = pytest.mark.parametrize("page", PAGES.values(), ids=str)


def problems_of_link(page: Page, link: str) -> str | None:
    parts = urlsplit(link)
    if parts.scheme:
        is_good = parts.scheme == "https" and parts.hostname in HOSTS
        return None if is_good else "is neither https nor a host that the pages may link to"
    target = (page.path.parent / parts.path).resolve() if parts.path else page.path
    if not target.exists():
        return "does not exist"
    if parts.fragment and parts.fragment not in Page(target).anchors:
        return "has no such heading"
    return None


@every_page
def test_every_link_leads_somewhere(page: Page) -> None:
    assert {each: said for each in page.links if (said := problems_of_link(page, each))} == {}


@pytest.mark.parametrize(
    "link", ["nowhere.md", "README.md#no-such-heading", "http://kind.sigs.k8s.io", "https://elsewhere.example"]
)
def test_a_wrong_link_is_found(link: str) -> None:
    assert problems_of_link(PAGES["README.md"], link)


@every_page
def test_no_page_has_a_word_that_is_avoided(page: Page) -> None:
    words = set(re.findall(r"\w+", page.text.lower()))
    assert {word: instead for word, instead in AVOIDED.items() if word in words} == {}


def test_an_anchor_is_what_a_forge_makes_of_a_heading() -> None:
    assert anchor("`spec.analysis.metrics[]`") == "specanalysismetrics"
    assert anchor("Beside `kubectl rollout`") == "beside-kubectl-rollout"


def leads_to(page: Page) -> set[Path]:
    return {(page.path.parent / each.partition("#")[0]).resolve() for each in page.links}


def test_the_start_page_leads_to_every_page() -> None:
    start = PAGES["docs/index.md"]
    linked = leads_to(start)
    # The README.md of a directory lists its pages.
    linked |= {path for each in linked if each.name == "README.md" for path in leads_to(Page(each))}
    assert {each.path for each in PAGES.values()} - linked == {ROOT / "README.md", start.path}


@every_page
def test_every_manifest_is_valid(page: Page) -> None:
    blocks = [(f"block {number}", text) for number, (language, text) in enumerate(page.blocks) if language == "yaml"]
    # A part of a manifest, such as its annotations alone, has no spec.
    whole = [(name, text) for name, text in blocks if re.search(r"^spec:", text, re.MULTILINE)]
    assert [each.sentence for each in report(whole).findings if each.severity == "error"] == []


def commands(page: Page) -> Iterator[list[str]]:
    """Yield the words after `kubectl pennant` or `pennant` of each command line of a page."""
    joined = (text.replace("\\\n", " ") for language, text in page.blocks if language in ("", "sh"))
    lines = [line.strip().removeprefix("$ ") for text in joined for line in text.splitlines()]
    for line in (*lines, *page.quoted):
        found = re.match(r"(?:kubectl )?pennant (?!run\b|help\b|generate\b|version\b)(.+)", line)
        if found and "…" not in line:
            words = shlex.split(re.split(r" [|#<>]|;", found[1])[0])
            if words[0] != "VERB" and words[0] in cli.list_commands(click.Context(cli)):
                yield words


@every_page
def test_every_command_parses(page: Page) -> None:
    for verb, *words in commands(page):
        given = [each.strip("[]") for each in words]
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        try:
            command.make_context(verb, given, resilient_parsing=False)
        except click.exceptions.Exit:
            pass  # --help
        except click.UsageError as error:
            # A sentence may name a verb without the arguments that it needs.
            if not (isinstance(error, click.MissingParameter) and len(words) == 0):
                pytest.fail(f"{verb} {' '.join(words)}: {error.format_message()}")


def test_commands_are_found_and_a_wrong_option_fails() -> None:
    found = list(commands(PAGES["docs/how-to/roll-back.md"]))
    assert ["undo", "fraud", "--to-version=1.0.0"] in found
    command = cli.get_command(click.Context(cli), "undo")
    assert command is not None
    with pytest.raises(click.NoSuchOption):
        command.make_context("undo", ["fraud", "--to-verison=1.0.0"])


OF_PODS = {"status.podIP"}
KNOWN_PATHS = {each.path.replace("[]", "") for kind in MODELS for each in fields(kind)}


@every_page
def test_every_field_exists(page: Page) -> None:
    found = (re.fullmatch(r"((?:spec|status)(?:\.[a-z]\w*(?:\[\w*\])?)+)(?:[:=].*)?", each) for each in page.quoted)
    named = {re.sub(r"\[\w*\]", "", each[1]) for each in found if each}
    # Of a pod template only some fields have a schema.
    unknown = {each for each in named - KNOWN_PATHS - OF_PODS if not each.startswith("spec.template.spec.")}
    assert unknown == set()


@every_page
def test_every_condition_exists(page: Page) -> None:
    named = {each.partition("=")[0] for each in page.quoted if re.fullmatch(r"[A-Z]\w+=(True|False|Unknown)", each)}
    assert named <= {each.value for each in (*ConditionType, *VersionConditionType)}


@every_page
def test_every_annotation_and_label_exists(page: Page) -> None:
    named = set(re.findall(r"(?<![\w./])pennant\.dev/(?:[\w-]*\w)?", page.text))
    misspelt = {"pennant.dev/rolback-to"} if page.path.name == "critiques.md" else set()
    assert named - OTHERS_MARKS - misspelt <= {each.name for each in MARKS}


@every_page
def test_every_setting_exists(page: Page) -> None:
    variables = set(re.findall(r"\bPENNANT_(?!TEST_|WRITE_|COMPLETE)([A-Z_]+)\b", page.prose))
    known = {*Settings.model_fields, *(f"sync_{each}" for each in SyncSettings.model_fields)}
    assert {each.lower() for each in variables} <= known


METRICS = {each.name.removesuffix("_total") for each in Telemetry().registry.collect()}
METRICS |= {each.name.removesuffix("_total") for each in sync_definitions.DEFINITIONS}


@every_page
def test_every_metric_of_the_operator_exists(page: Page) -> None:
    named = {each for each in page.quoted if re.fullmatch(r"pennant_(?!dev_)[a-z_]+", each)}
    assert {re.sub("_(total|bucket|sum|count)$", "", each) for each in named} <= METRICS


def test_every_test_that_the_security_model_names_exists() -> None:
    named = [each for each in PAGES["docs/security.md"].quoted if each.startswith(("tests/", "test_"))]
    tests = {path: (ROOT / path).read_text() for path in named if path.startswith("tests/")}
    missing = [each for each in named if each.startswith("test_") and not any(f" {each}(" in t for t in tests.values())]
    assert len(named) > 15
    assert missing == []


def test_the_tutorial_of_metrics_quotes_its_examples() -> None:
    examples = "".join((ROOT / "examples" / each).read_text() for each in ("metrics.yaml", "prometheus.yaml"))
    quoted = [text for _, text in PAGES["docs/tutorials/alerts.md"].blocks if text.startswith(" ")]
    assert len(quoted) == 3
    assert [text for text in quoted if text not in examples] == []


def test_the_examples_of_metrics_are_valid_and_name_the_same_labels() -> None:
    manifests = (ROOT / "examples" / "metrics.yaml").read_text()
    assert [each.sentence for each in report([("metrics.yaml", manifests)]).findings] == []
    prometheus = next(
        each["data"]
        for each in yaml.safe_load_all((ROOT / "examples" / "prometheus.yaml").read_text())
        if each["kind"] == "ConfigMap"
    )
    (rule,) = yaml.safe_load(prometheus["rules.yml"])["groups"][0]["rules"]
    spec = next(each["spec"] for each in yaml.safe_load_all(manifests) if each["kind"] == "ModelDeployment")
    labels = spec["analysis"]["metrics"][1]["alert"]["matchLabels"]
    assert labels.pop("alertname") == rule["alert"]
    assert set(labels) == set(re.findall(r"\w+", rule["expr"].partition("by (")[2].partition(")")[0]))
    relabeling = yaml.safe_load(prometheus["prometheus.yml"])["scrape_configs"][0]["relabel_configs"]
    (labelmap,) = (each["regex"] for each in relabeling if each.get("action") == "labelmap")
    found = re.fullmatch(labelmap, "__meta_kubernetes_pod_label_pennant_dev_version")
    assert found
    assert found[1] in labels


def test_the_versions_that_are_tested_are_those_of_the_rig() -> None:
    text = PAGES["docs/reference/versions.md"].text
    rows = {row.split("|")[1].strip(): row for row in text.splitlines() if row.startswith("| ")}
    chart = yaml.safe_load((ROOT / "charts" / "pennant" / "Chart.yaml").read_text())
    assert f"| {chart['kubeVersion'].strip('>=').removesuffix('.0-0')} or newer" in rows["Kubernetes"]
    assert f"| {KUBERNETES_VERSION.removeprefix('v')} |" in rows["Kubernetes"]
    assert f"| {PROMETHEUS_VERSION} |" in rows["Prometheus, as a metric source"]
    assert f"| {ALERTMANAGER_VERSION} |" in rows["Alertmanager, for the webhook"]
    for package in PACKAGES.values():
        assert package.helm.removeprefix("v") in rows["Helm"]
    assert f"version {__version__}" in text


def test_the_files_and_the_values_of_sync_are_valid() -> None:
    schema = json.loads((ROOT / "charts" / "pennant" / "values.schema.json").read_text())
    page = PAGES["docs/how-to/sync-from-a-registry.md"]
    values = [yaml.safe_load(text) for language, text in page.blocks if language == "yaml"]
    assert len(values) == 2
    for each in values:
        jsonschema.validate(each, schema)
    (line,) = re.findall(r"^echo '(registries: .*)' > sync.yaml$", page.text, re.MULTILINE)
    assert [each.name for each in SyncFile.model_validate(yaml.safe_load(line)).registries] == ["mlflow"]


def test_the_values_of_the_installation_are_valid() -> None:
    schema = json.loads((ROOT / "charts" / "pennant" / "values.schema.json").read_text())
    (values,) = (
        yaml.safe_load(text) for language, text in PAGES["docs/how-to/install.md"].blocks if language == "yaml"
    )
    defaults = yaml.safe_load((ROOT / "charts" / "pennant" / "values.yaml").read_text())
    assert values.keys() <= defaults.keys()
    jsonschema.validate(
        {
            **defaults,
            **values,
            "image": defaults["image"] | values["image"],
            "networkPolicy": defaults["networkPolicy"] | values["networkPolicy"],
        },
        schema,
    )
