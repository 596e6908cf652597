"""Names as users type them, and what they are told about wrong ones."""

from pathlib import Path

import pytest

from pennant.cli import model_versions, names
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions, Selectors
from pennant.core.facts.observation import Key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fraud"], ("fraud",)),
        (["mdep/fraud"], ("fraud",)),
        (["modeldeployment/fraud", "mdep/other"], ("fraud", "other")),
        (["modeldeployments.pennant.dev/fraud"], ("fraud",)),
        (["modeldeployment", "fraud"], ("fraud",)),
        (["mdep"], ("mdep",)),
    ],
)
def test_a_name_is_read_as_kubectl_reads_it(words: list[str], expected: tuple[str, ...]) -> None:
    assert names.parsed(words) == expected


@pytest.mark.parametrize("word", ["deployment/fraud", "mdep/"])
def test_what_is_no_modeldeployment_is_refused(word: str) -> None:
    with pytest.raises(CliError, match="NAME"):
        names.parsed([word])


def test_files_name_modeldeployments_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(
        "kind: ModelVersion\nmetadata: {name: fraud-1.0.0}\n---\n"
        "kind: ModelDeployment\nmetadata: {name: fraud}\n---\n"
        "kind: ModelDeployment\nmetadata: {name: other, namespace: shop}\n"
    )
    assert names.from_files([str(path)], "default") == (Key("default", "fraud"), Key("shop", "other"))


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (["fraud", "churn"], "Did you mean fraud?"),
        (["ranking"], "There are: ranking"),
        ([], "has no ModelDeployment; choose another one with -n"),
    ],
)
def test_a_name_that_does_not_exist_gets_the_nearest_ones(known: list[str], hint: str) -> None:
    said = str(names.not_found("fruad", "default", known))
    assert said.startswith('modeldeployments.pennant.dev "fruad" not found in namespace default.')
    assert hint in said


@pytest.mark.parametrize("selectors", [Selectors((), None, ()), Selectors(("a",), "x=y", ())])
def test_exactly_one_way_of_naming_is_needed(selectors: Selectors) -> None:
    with pytest.raises(CliError):
        names.require_some(selectors, ClusterOptions(None, None, None))


@pytest.mark.parametrize("name", ["nn?dryRun=All", "fraud#x", "a,b=c", "..", "../x", "a/b", "Fraud", "fraud\u202e"])
def test_what_no_object_is_called_is_refused_before_a_request(name: str) -> None:
    with pytest.raises(CliError, match=r"invalid name|is not a ModelDeployment"):
        names.parsed([name])
    with pytest.raises(CliError, match=r"invalid name|is not a ModelVersion"):
        model_versions.parsed(name)
    with pytest.raises(CliError, match="invalid namespace"):
        names.valid(name, "namespace")
