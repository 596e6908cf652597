"""The page about model servers quotes examples/servers, and says of each server what its example does."""

import os
import re

import pytest
import yaml

from unit.docs_pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "how-to" / "from-your-server.md")
EXAMPLES = ROOT / "examples" / "servers"
KINDS = sorted(path.name for path in EXAMPLES.iterdir())
QUOTED = re.compile(r"<!-- (examples/servers/[\w/.-]+) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = {"vllm", "triton", "tgi", "mlflow", "llama-cpp", "tf-serving", "bentoml"}
"""Kinds whose pennant.yaml is on the page."""
NO_METRICS = {"ollama", "onnxruntime-server", "whisper-cpp", "litserve"}
"""Kinds whose server exports nothing that could be named."""


def current(text: str) -> str:
    """Return the text with each quoted file as it is now."""
    return QUOTED.sub(lambda each: each[0].replace(each[2], (ROOT / each[1]).read_text()), text)


def test_the_page_quotes_the_files() -> None:
    if os.environ.get("PENNANT_WRITE_GOLDEN"):
        PAGE.path.write_text(current(PAGE.path.read_text()))
    text = PAGE.path.read_text()
    assert text == current(text)
    quoted = {each[1] for each in QUOTED.finditer(text)}
    assert quoted == {f"examples/servers/{kind}/pennant.yaml" for kind in SHOWN} | {
        "examples/servers/vllm/deployment.yaml"
    }
    assert len(quoted) == len(re.findall(r"^```yaml$", text, re.MULTILINE))


def test_a_change_of_a_file_is_found() -> None:
    text = PAGE.path.read_text()
    assert current(text.replace("name: vllm", "name: server", 1)) != text.replace("name: vllm", "name: server", 1)


def test_the_page_leads_to_every_example() -> None:
    linked = {(PAGE.path.parent / each).resolve() for each in PAGE.links if "examples/servers" in each}
    assert {each.parent.name for each in linked if each.name == "pennant.yaml"} == set(KINDS) - SHOWN
    assert {each.parent.name for each in linked if each.name == "deployment.yaml"} == SHOWN - {"vllm"}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - SHOWN))
def test_the_table_names_the_metrics_that_the_example_reads(kind: str) -> None:
    (row,) = (each for each in PAGE.text.splitlines() if f"servers/{kind}/pennant.yaml)" in each)
    named = re.findall(r"`([\w:]+)`", row.rsplit("|", 2)[1])
    (deployment,) = (
        each["spec"]
        for each in yaml.safe_load_all((EXAMPLES / kind / "pennant.yaml").read_text())
        if each["kind"] == "ModelDeployment"
    )
    read = str(deployment["analysis"]["metrics"])
    assert [each for each in named if each not in read] == []
    assert bool(named) == (kind not in NO_METRICS)
