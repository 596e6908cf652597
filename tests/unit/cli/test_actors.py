"""Who caused a revision, as `history` and `audit` say it: an authenticated user, or what a client said of itself."""

import csv
import io
import json
from typing import Any

import pytest

from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import HistoryEntry
from pennant.cli import history
from pennant.cli.actors import in_full, who
from pennant.cli.audit import answered
from pennant.cli.auditing.question import Question
from pennant.core.facts.observation import Snapshot
from pennant.core.rollout.revision import entry_hash
from unit.core.builders import a_revision, a_snapshot, after, an_entry

NOW = after(60)


@pytest.mark.parametrize(
    ("fields", "short", "full"),
    [
        (
            {"user": "ada"},
            "ada",
            "ada (authenticated); kubectl (field manager, not authenticated)",
        ),
        (
            {"user": "ada", "actor": "eve", "command": "restart"},
            "ada",
            "ada (authenticated); eve (annotation pennant.dev/requested-by, not authenticated)",
        ),
        ({}, "kubectl (field manager)", "kubectl (field manager, not authenticated)"),
        (
            {"actor": "eve", "command": "restart"},
            "eve (not authenticated)",
            "eve (annotation pennant.dev/requested-by, not authenticated)",
        ),
        ({"actor": "pennant"}, "the operator", "pennant (the operator)"),
        ({"actor": ""}, "<none>", "not given (field manager, not authenticated)"),
    ],
    ids=str,
)
def test_the_words_for_an_actor(fields: dict[str, Any], short: str, full: str) -> None:
    """Rule: R151."""
    entry = an_entry(**fields)
    assert (who(entry), in_full(entry)) == (short, full)


def snapshot(user: str | None = None) -> Snapshot:
    made = a_revision(available_at=after(1), user=user)
    return a_snapshot("fraud", status=ModelDeploymentStatus(history=(made.entry,)), revisions=(made,))


def test_the_history_has_a_column_only_if_it_knows_a_user() -> None:
    header, row = history.rendered(snapshot(user="ada"), None).splitlines()[1:]
    assert "WHO" in header
    assert "ada" in row.split()
    assert "WHO" not in history.rendered(snapshot(), None)
    assert " ada " in history.rendered(snapshot(user="ada"), "wide")
    assert "kubectl (field manager)" in history.rendered(snapshot(), "wide")


def test_audit_has_the_user_in_each_form() -> None:
    known, unknown = snapshot(user="ada"), snapshot()
    question = Question(at=after(2))
    assert "ada (authenticated); kubectl (field manager" in answered(known, question, NOW, None)
    assert "authenticated);" not in answered(unknown, question, NOW, None)
    assert " ada " in answered(known, Question(), NOW, None)
    for each, user in ((known, "ada"), (unknown, None)):
        assert json.loads(answered(each, question, NOW, "json"))["serving"][0]["user"] == user
        (row,) = csv.DictReader(io.StringIO(answered(each, question, NOW, "csv")))
        assert row["user"] == (user or "")


def test_the_user_is_hashed_and_an_entry_without_one_keeps_its_hash() -> None:
    """Rule: R151."""
    entry: HistoryEntry = an_entry()
    assert "user" not in entry.to_json()
    assert entry_hash(entry.model_copy(update={"user": "ada"})) != entry_hash(entry)
    as_before = entry.to_json()
    assert entry_hash(HistoryEntry.model_validate(as_before)) == entry.hash
