"""Metrics of every kind, and every answer that a source can give to their queries."""

import math
from enum import Enum, auto
from typing import Any

from hypothesis import strategies as st

from pennant.core.analysis.kinds.alert import Alert
from pennant.core.facts.measurement import Fault
from simulation.support.story import LiveAccuracy

NAMES = ("recall", "precision", "speed")
ENOUGH = 100


class Answer(Enum):
    """What a source says of one metric of one version."""

    PASSES = auto()
    BREACHES = auto()
    NO_DATA = auto()
    NOT_A_NUMBER = auto()
    INFINITE = auto()
    SEVERAL_SERIES = auto()
    TOO_FEW_SAMPLES = auto()
    REFUSED = auto()
    UNREACHABLE = auto()


ANSWERS = st.sampled_from([Answer.PASSES] * 3 + [Answer.BREACHES] * 3 + list(Answer))
"""What passes and what breaches comes as often as all the rest."""

UNKNOWN = st.sampled_from(["Hold", "Ignore", "Breach"])
"""What not knowing may mean to a user."""

_VALUES = {
    Answer.PASSES: (0.95,),
    Answer.BREACHES: (0.1,),
    Answer.NOT_A_NUMBER: (math.nan,),
    Answer.INFINITE: (math.inf,),
    Answer.SEVERAL_SERIES: (0.95, 0.1),
    Answer.TOO_FEW_SAMPLES: (0.1,),
}
_FAULTS = {Answer.REFUSED: Fault.REFUSED, Answer.UNREACHABLE: Fault.UNAVAILABLE}


def query(name: str, version: str = "${version}") -> str:
    return f'{name}{{version="{version}"}}'


def answers(source: LiveAccuracy, name: str, version: str, answer: Answer) -> None:
    """Have a source answer so from now on."""
    source.others[name, version] = _VALUES.get(answer, ())
    samples = 1 if answer is Answer.TOO_FEW_SAMPLES else ENOUGH
    source.others[f"{name}_requests", version] = (samples,)
    source.faults.pop(query(name, version), None)
    if answer in _FAULTS:
        source.faults[query(name, version)] = _FAULTS[answer]
    labels = {"alertname": name, "version": version}
    fires = any(each.labels == labels for each in source.alerts)
    if answer is not Answer.BREACHES:
        source.alerts = [each for each in source.alerts if each.labels != labels]
    elif not fires:
        source.alerts.append(Alert(labels, source.world.time))


@st.composite
def metrics(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw one to three metrics; each may be held to a threshold, to the stable version, or to both, or be an alert."""
    return [_metric(draw, name) for name in NAMES[: draw(st.integers(1, len(NAMES)))]]


def _metric(draw: st.DrawFn, name: str) -> dict[str, Any]:
    held_to = draw(st.sampled_from(["threshold", "threshold", "stable", "both", "alert"]))
    either: dict[str, Any] = {
        "name": name,
        "onError": draw(UNKNOWN),
        "mode": draw(st.sampled_from(["Enforce", "Enforce", "Observe"])),
    }
    if held_to == "alert":
        return {**either, "alert": {"matchLabels": {"alertname": name, "version": "${version}"}}}
    of = draw(st.integers(1, 4))
    metric: dict[str, Any] = {
        **either,
        "prometheus": {"query": query(name)},
        "breaches": {"count": draw(st.integers(1, of)), "of": of},
        "onNoData": draw(UNKNOWN | st.just("Pass")),
    }
    if held_to != "stable":
        metric["threshold"] = {"min": "0.9"}
    if held_to != "threshold":
        metric |= {"compareTo": "Stable", "maxDecreasePercent": "10"}
    if draw(st.booleans()):
        metric["minimumSamples"] = {"query": query(f"{name}_requests"), "count": ENOUGH}
    return metric
