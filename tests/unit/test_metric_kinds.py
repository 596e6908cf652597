"""A kind of metric and a type of metric source are one module and one row in each layer, and no row lacks a part.

What to touch: docs/architecture.md, "A kind of metric, and a type of metric source".
"""

import asyncio
import json
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from pennant.api.analysis import Analysis, Metric
from pennant.api.deployment_status import MetricState, ModelDeploymentStatus
from pennant.api.history import Evidence, HistoryEntry
from pennant.api.metric_query import MetricQuery
from pennant.api.reasons import Reason
from pennant.controller.measurement_cache import MeasurementCache
from pennant.core.analysis import assessment, kinds, schedule
from pennant.core.analysis.grid import grid
from pennant.core.analysis.kind import Answered, MetricKind, Reading, WatchedRevision
from pennant.core.analysis.kinds import KINDS
from pennant.core.facts.digest import short_hash
from pennant.core.facts.measurement import Answer, Fault, Question, Request, Role, Unanswered
from pennant.core.facts.observation import Key
from pennant.metrics.config import SOURCE_TYPES, load
from pennant.metrics.settings import Observed, SourceSettings
from pennant.ports import Clock, MetricSource, Refused
from unit.core.builders import NOON, after, an_entry, the_spec

ROOT = Path(__file__).parents[2]
FROM_SECRETS = {"bearerTokenFile": "bearerToken", "caFile": "ca", "headerFiles": "secretHeaders"}
"""What the chart calls settings that name a file."""


def modules() -> set[str]:
    """Return the names of the modules of kinds."""
    return {each.name for each in pkgutil.iter_modules(kinds.__path__)}


def lacking(metric: type[Metric] = Metric) -> list[str]:
    """Return what the kinds and the types of sources lack."""
    answered = {each for settings in SOURCE_TYPES.values() for each in settings.ANSWERS}
    members = metric.kinds()
    found = [f"{each}: no member of Metric" for each in KINDS.keys() - members.keys()]
    found += [f"{each}: no row of KINDS" for each in members.keys() - KINDS.keys()]
    found += [
        f"{name}: no type of source answers it" for name, kind in KINDS.items() if kind.request_type not in answered
    ]
    found += [f"{each}: no row of KINDS" for each in modules() - members.keys() - KINDS.keys()]
    for name, query in members.items():
        if set(query.LEAVES_OUT) - metric.model_fields.keys() or bool(query.LEAVES_OUT) != bool(query.BECAUSE):
            found.append(f"{name}: LEAVES_OUT names fields of Metric, and BECAUSE says why")
    for name, settings in SOURCE_TYPES.items():
        if settings.model_fields["type"].default != name:
            found.append(f"{name}: the default of `type` is another one")
        if not settings.ANSWERS:
            found.append(f"{name}: it answers nothing")
    return found


def test_no_kind_of_metric_and_no_type_of_source_lacks_a_part() -> None:
    assert lacking() == []


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_one_module_and_is_documented(name: str) -> None:
    assert type(KINDS[name]).__module__ == f"pennant.core.analysis.kinds.{name}"
    assert f"{name}:" in (ROOT / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("name", SOURCE_TYPES)
def test_a_type_is_one_module(name: str) -> None:
    assert SOURCE_TYPES[name].__module__ == f"pennant.metrics.{name}"


@pytest.mark.parametrize("name", SOURCE_TYPES)
def test_the_chart_knows_each_setting_of_each_type(name: str) -> None:
    schema = json.loads((ROOT / "charts" / "pennant" / "values.schema.json").read_text())
    known = schema["definitions"]["metricSource"]["properties"]
    assert name in known["type"]["enum"]
    fields = {str(field.alias) for field in SOURCE_TYPES[name].model_fields.values()}
    assert {FROM_SECRETS.get(each, each) for each in fields} <= known.keys()


# A kind and a type of source as they would be added: a judge that scores a revision by itself, from 0 to 100.


class ToyQuery(MetricQuery):
    """What a judge is asked; would be in the API, as a member of Metric."""

    score: int
    """The lowest good score."""

    LEAVES_OUT: ClassVar = ("threshold", "compare_to", "breaches", "minimum_samples", "on_no_data")
    BECAUSE: ClassVar = "a judge has thresholds of its own"


class ToyMetric(Metric):
    toy: ToyQuery | None = None


@dataclass(frozen=True, slots=True)
class ToyRequest:
    source: str
    template_hash: str
    at: datetime
    revision: int
    asker: tuple[str, str]

    @property
    def times(self) -> tuple[datetime, datetime]:
        return self.at, self.at

    @property
    def subject(self) -> tuple[object, ...]:
        return self.source, self.template_hash

    @property
    def patience(self) -> timedelta:
        return timedelta(seconds=20)

    @property
    def text(self) -> str:
        return self.template_hash


@dataclass(frozen=True, slots=True)
class Score(Answer):
    value: int

    @property
    def number(self) -> float:
        return self.value


class ToyKind(MetricKind[ToyQuery, ToyRequest, Score]):
    request_type = ToyRequest
    answer_type = Score

    def texts(self, metric: Metric, query: ToyQuery) -> Iterator[str]:
        return iter(())

    def requests(self, metric: Metric, query: ToyQuery, watched: WatchedRevision) -> Iterator[tuple[Role, ToyRequest]]:
        passed = grid(watched.spec.analysis, watched.entry.available_at, watched.now)
        if passed is not None:
            entry = watched.entry
            request = ToyRequest(query.source, entry.template_hash, passed.newest, entry.revision, watched.asker)
            yield Role.VALUE, request

    def interpret(
        self,
        metric: Metric,
        query: ToyQuery,
        answers: Mapping[Role, Answered[ToyRequest, Score]],
        entry: HistoryEntry,
        stable: HistoryEntry | None,
    ) -> Reading:
        asked, score = answers[Role.VALUE].request, answers[Role.VALUE].answer.value
        if score >= query.score:
            return Reading(MetricState.PASSING, Reason.WITHIN_THRESHOLD, f"{metric.name} has the score {score}")
        evidence = Evidence(
            metric=metric.name,
            value=f"{score}",
            threshold=f"min {query.score}",
            breaches="1 of 1",
            query_hash=short_hash(asked.text),
            at=asked.at,
        )
        message = f"{metric.name} has the score {score}, below {query.score}"
        return Reading(MetricState.BREACHING, Reason.THRESHOLD_BREACHED, message, evidence, True, asked.at, True)


class ToySettings(SourceSettings):
    type: Literal["toy"] = "toy"
    scores: dict[str, int]
    """What the judge says of each template."""

    ANSWERS: ClassVar = (ToyRequest,)

    def opened(self, name: str, observed: Observed, clock: Clock) -> MetricSource:
        return ToySource(self.scores)


class ToySource:
    def __init__(self, scores: Mapping[str, int]) -> None:
        self._scores = scores

    async def answer(self, request: Request) -> Answer:
        if not isinstance(request, ToyRequest):
            raise Refused("a source of the type toy does not answer metrics of this kind")
        return Score(self._scores[request.template_hash])

    async def aclose(self) -> None:
        pass


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "toy", ToyKind())
    monkeypatch.setitem(SOURCE_TYPES, "toy", ToySettings)


class Noon:
    def now(self) -> datetime:
        return NOON


def judged(**fields: Any) -> ToyMetric:
    return ToyMetric.model_validate({"name": "judge", "toy": {"source": "judge", "score": 75}} | fields)


async def verdict(tmp_path: Path, metric: Metric, score: int) -> tuple[assessment.Verdict, Mapping[Question, object]]:
    """Return the verdict on a revision with this score, and the answers, from the sources' file to the end."""
    entry = an_entry(available_at=NOON, rolled_out_at=NOON)
    analysis = Analysis(interval_seconds=10, metrics=(metric,))
    spec = the_spec().model_copy(update={"analysis": analysis})
    status = ModelDeploymentStatus(history=(entry,))
    file = tmp_path / "sources.yaml"
    known = {"judge": {"type": "toy", "scores": {entry.template_hash: score}}, "default": {"url": "http://127.0.0.1:1"}}
    file.write_text(json.dumps({"sources": known}))
    sources, key = load(file, lambda *_: None, Noon()), Key("default", "fraud")
    measurements = MeasurementCache(sources, Noon(), lambda _: None)
    due = schedule.due_measurements(key, spec, status, after(10))
    measurements.take(key, due)
    for _ in range(5):
        await asyncio.sleep(0)
    taken = measurements.take(key, due)
    await measurements.aclose()
    await sources.aclose()
    answers = {question: each.answer for question, each in taken.items()}
    return assessment.assess(analysis, entry, None, taken, (), after(10)), answers


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("score", "state", "message"),
    [
        (80, MetricState.PASSING, "judge has the score 80"),
        (60, MetricState.BREACHING, "judge has the score 60, below 75"),
    ],
)
async def test_a_kind_that_is_registered_goes_from_due_requests_to_the_verdict(
    tmp_path: Path, score: int, state: MetricState, message: str
) -> None:
    assert lacking(ToyMetric) == []
    found, answers = await verdict(tmp_path, judged(), score)
    assert answers == {Question("judge"): Score(score)}
    assert [(each.state, each.message) for each in found.metrics] == [(state, message)]
    assert [each.name for each in found.breached] == (["judge"] if state is MetricState.BREACHING else [])
    assert (found.clean_since is not None) is (state is MetricState.PASSING)


@pytest.mark.usefixtures("toy")
async def test_a_source_of_another_type_refuses_it(tmp_path: Path) -> None:
    found, answers = await verdict(tmp_path, judged(toy={"score": 75}), 80)
    (answer,) = answers.values()
    assert isinstance(answer, Unanswered)
    assert answer.fault is Fault.REFUSED
    assert [each.reason for each in found.metrics] == [Reason.QUERY_REFUSED]
    assert "a source of the type prometheus does not answer metrics of this kind" in found.metrics[0].message


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"toy": None}, "set exactly one of prometheus, alert and toy"),
        ({"prometheus": {"query": "q"}}, "set exactly one of prometheus, alert and toy"),
        ({"threshold": {"min": "1"}}, "leave out .* and onNoData: a judge has thresholds of its own"),
    ],
)
def test_the_rules_of_a_kind_follow_from_its_model(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        judged(**fields)


def test_a_rule_says_the_same_to_the_api_server() -> None:
    rules = {message: cel for cel, message in ToyMetric.rules()}
    one = rules["set exactly one of prometheus, alert and toy"]
    assert one == "(has(self.prometheus) ? 1 : 0) + (has(self.alert) ? 1 : 0) + (has(self.toy) ? 1 : 0) == 1"
    assert rules.keys() > {message for _, message in Metric.rules() if "exactly one" not in message}


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("member", "toy: no member of Metric"),
        ("kind", "toy: no row of KINDS"),
        ("source", "toy: no type of source answers it"),
    ],
)
def test_a_part_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, part: str, says: str) -> None:
    if part != "kind":
        monkeypatch.setitem(KINDS, "toy", ToyKind())
    if part != "source":
        monkeypatch.setitem(SOURCE_TYPES, "toy", ToySettings)
    assert lacking(Metric if part == "member" else ToyMetric) == [says]
