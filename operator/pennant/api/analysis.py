"""How a version is watched in live traffic: the part of a ModelDeployment that speaks of metrics."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, ClassVar, NamedTuple, get_args

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from pennant.api.meta import ApiModel, LabelValue, Seconds, listed
from pennant.api.metric_query import MetricQuery
from pennant.api.number import Decimal, PositiveDecimal
from pennant.api.prometheus import AlertSelector, MinimumSamples, PrometheusQuery

Count = Annotated[int, Field(ge=1, le=60)]


class OnUnknown(StrEnum):
    """What a check that was not answered means."""

    HOLD = "Hold"
    IGNORE = "Ignore"
    BREACH = "Breach"


class OnNoData(StrEnum):
    """What a check that gave no number means."""

    HOLD = "Hold"
    IGNORE = "Ignore"
    BREACH = "Breach"
    PASS = "Pass"


class AfterPromotion(StrEnum):
    """Whether a verified version is still watched."""

    WATCH = "Watch"
    STOP = "Stop"


class Threshold(ApiModel):
    """The bound that a value must keep; exactly one of `max` and `min`."""

    max: Decimal | None = None
    """The largest good value, such as 0.05 or 2e-05; a larger one is a breach."""
    min: Decimal | None = None
    """The smallest good value, such as 0.9; a smaller one is a breach."""

    ONE_BOUND: ClassVar = (
        "has(dyn(self).max) != has(dyn(self).min)",
        "set exactly one of threshold.max and threshold.min",
    )
    RULES: ClassVar = (ONE_BOUND,)

    @model_validator(mode="after")
    def _one_bound(self) -> "Threshold":
        if (self.max is None) == (self.min is None):
            raise ValueError(self.ONE_BOUND[1])
        return self


class Breaches(ApiModel):
    """How many of the last checks must be breaches before the operator acts."""

    count: Count = 3
    """Breaches that make the metric count as breached. Default: 3."""
    of: Count = 3
    """Number of last checks that are looked at. Default: 3."""

    COUNT_WITHIN: ClassVar = (
        "(has(self.count) ? self.count : 3) <= (has(self.of) ? self.of : 3)",
        "breaches.count must not be larger than breaches.of",
    )
    RULES: ClassVar = (COUNT_WITHIN,)

    @model_validator(mode="after")
    def _count_within(self) -> "Breaches":
        if self.count > self.of:
            raise ValueError(self.COUNT_WITHIN[1])
        return self


class Baseline(StrEnum):
    """What a metric is compared with."""

    STABLE = "Stable"


class MetricMode(StrEnum):
    """Whether something follows from a metric."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Metric(ApiModel):
    """One number, or one alert, that tells a good version from a bad one."""

    name: LabelValue
    """Name of the metric; conditions, events and history speak of it by this name."""
    prometheus: PrometheusQuery | None = None
    """Where the number comes from."""
    alert: AlertSelector | None = None
    """Alerts instead of a number: the metric is breached while one of them fires that began after the revision did;
    where no label names the revision by ${version}, ${templateHash} or ${podTemplateHash}, after its first pod became
    available."""
    threshold: Threshold | None = None
    """What the number must keep."""
    compare_to: Baseline | None = None
    """Stable: the number must not be much worse than that of the last verified version, whose last `breaches.of`
    checks while it served are taken. A version that is verified itself is not compared."""
    max_increase_percent: PositiveDecimal | None = None
    """By how many percent the number may be larger than that of the stable version."""
    max_decrease_percent: PositiveDecimal | None = None
    """By how many percent the number may be smaller than that of the stable version."""
    breaches: Breaches = Breaches()
    """How many of the last checks must be breaches. Default: 3 of 3."""
    minimum_samples: MinimumSamples | None = None
    """How much a check must rest on. Default: nothing is asked."""
    on_no_data: OnNoData = OnNoData.HOLD
    """What no sample, too few of them, NaN, an infinite value or more than one series means: Hold (neither good nor
    bad), Ignore (the check is left out), Breach, or Pass (the check passes, but for an infinite value and more than one
    series, which hold); Pass is for a query whose series is not there while all is well. Default: Hold."""
    on_error: OnUnknown = OnUnknown.HOLD
    """What an unreachable source or a refused query means: Hold, Ignore, or Breach once it has lasted for
    `breaches.count` intervals. Default: Hold."""
    mode: MetricMode = MetricMode.ENFORCE
    """Enforce, or Observe: the metric is measured and reported, and nothing follows from it. Default: Enforce."""

    @classmethod
    @cache
    def kinds(cls) -> Mapping[str, type[MetricQuery]]:
        """Return the models of all kinds of metrics, by the name of their member."""
        members = ((name, get_args(field.annotation)) for name, field in cls.model_fields.items())
        return {
            name: model
            for name, models in members
            for model in models
            if isinstance(model, type) and issubclass(model, MetricQuery)
        }

    @classmethod
    def rules(cls) -> tuple[tuple[str, str], ...]:
        """Return the rules for the API server: those of the kinds, and the one about comparisons."""
        return tuple((each.cel, each.message) for each in _rules_of(cls))

    @property
    def kind(self) -> str:
        """Name of the member that says what is asked."""
        return next(name for name in self.kinds() if getattr(self, name) is not None)

    @property
    def query(self) -> MetricQuery:
        """What is asked: the value of that member."""
        query: MetricQuery = getattr(self, self.kind)
        return query

    @property
    def source(self) -> str:
        """Name of the metric source that is asked."""
        return self.query.source

    @model_validator(mode="after")
    def _is_consistent(self) -> "Metric":
        for rule in _rules_of(type(self)):
            if not rule.holds(self):
                raise ValueError(rule.message)
        return self


class _Rule(NamedTuple):
    """A rule of a metric: in CEL for the API server, and as a function for this program."""

    cel: str
    message: str
    holds: Callable[[Metric], bool]


@cache
def _rules_of(model: type[Metric]) -> tuple[_Rule, ...]:
    kinds = model.kinds()
    return (
        _one_kind(tuple(kinds)),
        *(_bounded(name) for name, kind in kinds.items() if kind.is_number()),
        *(_without(name, kind) for name, kind in kinds.items() if kind.LEAVES_OUT),
        _Rule(
            "has(self.compareTo) == (has(dyn(self).maxIncreasePercent) || has(dyn(self).maxDecreasePercent))",
            "set compareTo together with maxIncreasePercent or maxDecreasePercent",
            lambda metric: (
                (metric.compare_to is not None)
                == (metric.max_increase_percent is not None or metric.max_decrease_percent is not None)
            ),
        ),
    )


def _one_kind(names: tuple[str, ...]) -> _Rule:
    given = [f"has(self.{name})" for name in names]
    counted = " + ".join(f"({each} ? 1 : 0)" for each in given)
    return _Rule(
        " != ".join(given) if len(given) == 2 else f"{counted} == 1",
        f"set exactly one of {_listed(names)}",
        lambda metric: sum(getattr(metric, name) is not None for name in names) == 1,
    )


def _bounded(name: str) -> _Rule:
    """Return the rule that a number has a bound."""
    return _Rule(
        f"!has(self.{name}) || has(self.threshold) || has(self.compareTo)",
        "set threshold or compareTo: a number alone is neither good nor bad",
        lambda metric: getattr(metric, name) is None or metric.threshold is not None or metric.compare_to is not None,
    )


def _without(name: str, kind: type[MetricQuery]) -> _Rule:
    """Return the rule that a metric of this kind leaves out the fields that say nothing of it."""
    fields = [to_camel(each) for each in kind.LEAVES_OUT]
    return _Rule(
        f"!has(self.{name}) || !({' || '.join(f'has(dyn(self).{each})' for each in fields)})",
        f"leave out {_listed(fields)}: {kind.BECAUSE}",
        lambda metric: getattr(metric, name) is None or not metric.model_fields_set.intersection(kind.LEAVES_OUT),
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


class Analysis(ApiModel):
    """How a version is watched in live traffic, during the rollout and after it."""

    initial_delay_seconds: Seconds = 0
    """Seconds from a revision's first available pod until it is watched. Default: 0."""
    interval_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    """Seconds between two checks of a metric. Default: 60."""
    settle_seconds: Seconds | None = None
    """Seconds after initialDelaySeconds until the first check of a query that may still show what was there before the
    revision: one that selects series without the `${templateHash}`, `${podTemplateHash}` or `${version}` of the
    revision, or a template that served before. Set it where a recording rule hides a range. Default: the longest range
    in the query, at least one interval."""
    bake_seconds: Seconds = 300
    """Seconds for which all metrics must pass, after the rollout, before the version is verified.
    Default: 300."""
    after_promotion: AfterPromotion = AfterPromotion.WATCH
    """Whether a verified version is still watched for as long as it serves: Watch or Stop. Default: Watch."""
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16, json_schema_extra=listed("map", "name"))] = ()
    """What is watched. Without metrics, a version is verified when it has been available for `bakeSeconds`."""
