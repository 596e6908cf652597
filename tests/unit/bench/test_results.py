"""The results of a run as text, as JSON and as a page, and what the command refuses."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.figures import Figure, Goal
from bench.page import LINK, write_page
from bench.results import Result, Results, joined
from bench.run import Run, Scenario, Size
from bench.scenarios import SCENARIOS

INDEX = "# Pennant\n\n- [Known limits](critiques.md): what is weak\n"
FIGURES = [Figure("move, p50", 30.0, "ms", 20.0, Goal(2)), Figure("memory", 90.5, "MiB")]


@pytest.fixture
def results() -> Results:
    machine = {"processors": "2 × Some CPU", "memory": "8 GiB"}
    return Results(machine, [Result("latency", "a tag move", {"moves": 1000}, FIGURES)])


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "_static").mkdir()
    (tmp_path / "index.md").write_text(INDEX)
    return tmp_path


def test_results_are_read_as_they_were_written(results: Results) -> None:
    results.results[0].ended = "interrupted"
    again = Results.from_json(json.loads(json.dumps(results.to_json())))
    assert again == results
    assert again.text().splitlines()[-1] == "ended early: interrupted"


def test_the_page_has_the_figures_and_the_index_a_link_to_it(results: Results, docs: Path) -> None:
    page, index, plot = write_page(results, docs)
    text = page.read_text()
    assert "| move, p50 | 30 ms | 20 | 1.50 | ≤ 2 | met |" in text
    assert "| processors | 2 × Some CPU |" in text
    assert "A tag move. Sizes: moves 1,000." in text
    assert f"({plot.relative_to(docs)})" in text
    assert index.read_text() == INDEX.replace("- [Known", f"{LINK}\n- [Known")
    first = plot.read_bytes()
    write_page(results, docs)
    assert plot.read_bytes() == first, "the same results make the same plot"
    assert index.read_text().count(LINK) == 1


def test_several_runs_are_one_page_and_a_run_that_ended_early_is_left_out(results: Results, docs: Path) -> None:
    again = Results(results.machine, [replace(results.results[0], figures=[replace(FIGURES[0], value=20.0)])])
    ended = Results(results.machine, [replace(results.results[0], ended="interrupted")])
    found = joined([results, again, ended])
    assert found.results[0].runs == 2
    assert Results.from_json(found.to_json()) == found
    page, *_ = write_page(found, docs)
    assert "| move, p50 | 20 ms | 20 | 1.00 (1.00 to 1.50) | ≤ 2 | met |" in page.read_text()
    assert "in the middle of 2 runs" in page.read_text()


def test_runs_that_cannot_be_compared_are_refused(results: Results) -> None:
    with pytest.raises(ValueError, match="the runs are of different machines or versions"):
        joined([results, replace(results, machine={"memory": "1 GiB"})])
    other = Results(results.machine, [replace(results.results[0], sizes={"moves": 5})])
    with pytest.raises(ValueError, match="the runs of latency have different sizes"):
        joined([results, other])


def test_an_index_without_a_place_for_the_link_is_refused(results: Results, docs: Path) -> None:
    (docs / "index.md").write_text("# Pennant\n")
    with pytest.raises(RuntimeError, match=r"add the link to performance\.md by hand"):
        write_page(results, docs)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["speed"], "there is no scenario speed; there are latency, storm"),
        (["storm", "--size", "moves=5"], "there is no size moves; there are deployments"),
        (["--size", "moves"], "write a name and a number above 0, such as moves=500"),
        (["--quick", "--write"], "--write: docs/performance.md has figures of full sizes: leave out --quick"),
        (["--peer", "no/such/program"], "--peer: there is no program no/such/program"),
        (["--peer", __file__], "copy manifests/crds of its module to the directory"),
        (["--size", "moves=0"], "write a name and a number above 0, such as moves=500"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(words)
    assert message in capsys.readouterr().err


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Replace the scenarios by two, of which the first yields a figure and then raises."""
    raised = list[type[BaseException]]()

    def first(_: Run) -> Iterator[Figure]:
        yield FIGURES[0]
        raise raised[0]

    def second(_: Run) -> Iterator[Figure]:
        yield FIGURES[1]

    sizes = {"moves": Size(9, 3, "moves")}
    chosen = {name: Scenario(name, "some", sizes, each) for name, each in (("first", first), ("second", second))}
    monkeypatch.setattr(command, "SCENARIOS", chosen)
    return raised


def test_an_interrupted_run_prints_what_is_done(
    ends_with: list[type[BaseException]], capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with.append(KeyboardInterrupt)
    assert command.main(["-o", "json", "--quick"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["scenarios"]
    assert (found["ended"], found["sizes"], len(found["figures"])) == ("interrupted", {"moves": 3}, 1)


def test_a_scenario_that_fails_stops_no_other_one(
    ends_with: list[type[BaseException]], capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with.append(RuntimeError)
    assert command.main(["-o", "json", "--size", "moves=7"]) == 1
    first, second = json.loads(capsys.readouterr().out)["scenarios"]
    assert (first["ended"], first["sizes"]) == ("RuntimeError: ", {"moves": 7})
    assert "ended" not in second
    assert second["figures"][0]["name"] == "memory"


def test_each_scenario_has_a_description_and_smaller_quick_sizes() -> None:
    for each in SCENARIOS.values():
        assert each.about
        assert all(size.quick < size.full and size.means for size in each.sizes.values()), each.name
