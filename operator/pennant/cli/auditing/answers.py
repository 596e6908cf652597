"""The answers of `audit` about the lives of a name, in each form."""

from collections.abc import Sequence

from pennant.cli import output
from pennant.cli.auditing import chain, lives, verdict, words
from pennant.cli.auditing.lives import Life
from pennant.cli.auditing.question import Question
from pennant.cli.auditing.timeline import Segment, between
from pennant.core.facts.observation import Key


def told(key: Key, known: Sequence[Life], asked: Question, form: str | None, width: int | None = None) -> str:
    """Return the answer as text for a terminal of this width, as `json`, `yaml` or `csv`."""
    name = {"name": key.name, "namespace": key.namespace}
    if asked.at is not None:
        served, history = lives.at(known, asked.at)
        if form in ("json", "yaml"):
            whole = {**words.served_json(served, history), "at": output.moment(asked.at)}
            return output.document({**output.head("ServingAnswer", **name), **whole}, form)
        if form == "csv":
            return words.timeline_csv([Segment(asked.at, asked.at, served)], history)
        return words.moment_answer(key.name, asked.at, served, history, width)
    history = tuple(entry for each in known for entry in each.history)
    segments = between(lives.segments(known), asked.begin, asked.end)
    if form in ("json", "yaml"):
        items = [words.segment_json(each, history) for each in segments]
        return output.document(output.wrapped("ServingTimeline", items, **name), form)
    return words.timeline_csv(segments, history) if form == "csv" else words.timeline_table(key.name, segments, width)


def verified(key: Key, result: chain.Chain, form: str | None, width: int | None = None) -> str:
    """Return the result of `--verify` as text for a terminal of this width, as `json`, `yaml` or `csv`."""
    if form in ("json", "yaml"):
        return output.document(verdict.chain_json(key.name, key.namespace, result), form)
    return verdict.chain_csv(result) if form == "csv" else verdict.chain_text(key.name, result, width)
