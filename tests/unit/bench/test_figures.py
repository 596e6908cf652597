"""Figures beside their floors and goals, and the writes that count as the operator's."""

import pytest

from bench.counts import by_the_operator
from bench.figures import Figure, Goal, in_the_middle, percentiles, table


@pytest.mark.parametrize(
    ("value", "floor", "goal", "verdict"),
    [
        (3.0, 2.0, Goal(1.5), "met"),
        (3.1, 2.0, Goal(1.5), "missed"),
        (3.0, None, Goal(1.5), "missed"),
        (6.002, None, Goal(6), "missed"),
        (0.0, None, Goal(0), "met"),
        (80.0, 100.0, Goal(0.8, at_least=True), "met"),
        (79.0, 100.0, Goal(0.8, at_least=True), "missed"),
        (3.0, 0.0, Goal(1.5), ""),
        (3.0, 2.0, None, ""),
    ],
)
def test_a_goal_is_about_the_ratio_where_there_is_a_floor(
    value: float, floor: float | None, goal: Goal | None, verdict: str
) -> None:
    figure = Figure("a", value, "s", floor, goal)
    assert figure.verdict == verdict
    assert Figure.from_json(figure.to_json()) == figure


def test_percentiles_have_their_own_goals() -> None:
    found = percentiles("move", {"p50": 3.0, "p99": 9.0}, {"p50": 2.0, "p99": 3.0}, p99=Goal(2.5))
    assert [(each.name, each.ratio, each.verdict) for each in found] == [
        ("move, p50", 1.5, ""),
        ("move, p99", 3.0, "missed"),
    ]


def test_a_table_has_a_row_for_each_figure() -> None:
    figures = [Figure("move", 12.345, "ms", 10.0, Goal(2)), Figure("memory", 150.4, "MiB")]
    assert table(figures).splitlines() == [
        "figure  value    floor  ratio  goal",
        "move    12.3 ms  10     1.23   ≤ 2   met",
        "memory  150 MiB",
    ]


def test_of_several_runs_the_one_in_the_middle_counts_and_the_others_are_its_span() -> None:
    runs = [Figure("move", value, "ms", 10.0, Goal(2)) for value in (30.0, 12.0, 15.0)]
    found = in_the_middle(runs)
    assert (found.ratio, found.span, found.verdict) == (1.5, (1.2, 3.0), "met")
    assert table([found]).splitlines()[1] == "move    15 ms  10     1.50 (1.20 to 3.00)  ≤ 2   met"
    memory = in_the_middle([Figure("memory", value, "MiB") for value in (90.0, 150.0)])
    assert table([memory]).splitlines()[1] == "memory  90 MiB (90 to 150)"
    assert Figure.from_json(found.to_json()) == found


def test_writes_of_users_and_of_the_controllers_of_kubernetes_are_not_the_operator_s() -> None:
    before = {"APPLY deployments": 2.0, "PUT deployments": 5.0}
    after = before | {
        "APPLY deployments": 3.0,
        "PUT deployments": 9.0,
        "POST controllerrevisions": 1.0,
        "PATCH modelversions": 2.0,
        "PATCH modelversions/status": 1.0,
        "POST events": 1.0,
        "POST events (core)": 4.0,
        "PUT replicasets/status": 4.0,
        "POST pods/binding": 1.0,
        "POST selfsubjectaccessreviews": 33.0,
        "PUT leases": 7.0,
    }
    assert by_the_operator(before, after) == {
        "APPLY deployments": 1.0,
        "PATCH modelversions/status": 1.0,
        "POST controllerrevisions": 1.0,
        "POST events": 1.0,
    }
