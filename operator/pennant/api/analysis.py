"""How a version is watched in live traffic: the part of a ModelDeployment that speaks of metrics."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.meta import ATOMIC, ApiModel, Decimal, Label, PositiveDecimal, Seconds, listed
from pennant.api.promql import LABEL_VALUE_SCHEMA, VALUES_RULE, LabelValue, ListedLabelValue, PromQL

Count = Annotated[int, Field(ge=1, le=60)]
LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]{0,62}"
"""Name of a label in Prometheus."""


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


class PrometheusQuery(ApiModel):
    """A query that gives one series."""

    source: Label = "default"
    """Name of a metric source in the operator's configuration. Default: `default`."""
    query: PromQL
    """PromQL that gives exactly one series. Within a string, `${namespace}`, `${name}`, `${model}`, `${version}`,
    `${templateHash}`, `${podTemplateHash}`, `${stableVersion}` and `${stableTemplateHash}` stand for these values,
    which mean themselves in a matcher `=~` or `!~` too. `${window}` stands for the interval as a duration, such as
    `30s`, anywhere."""


class Threshold(ApiModel):
    """The bound that a value must keep; exactly one of `max` and `min`."""

    max: Decimal | None = None
    """The largest good value; a larger one is a breach."""
    min: Decimal | None = None
    """The smallest good value; a smaller one is a breach."""

    RULES: ClassVar = (("has(self.max) != has(self.min)", "set exactly one of threshold.max and threshold.min"),)

    @model_validator(mode="after")
    def _one_bound(self) -> "Threshold":
        if (self.max is None) == (self.min is None):
            raise ValueError(self.RULES[0][1])
        return self


class Breaches(ApiModel):
    """How many of the last checks must be breaches before the operator acts."""

    count: Count = 3
    """Breaches that make the metric count as breached. Default: 3."""
    of: Count = 3
    """Number of last checks that are looked at. Default: 3."""

    RULES: ClassVar = (
        (
            "(has(self.count) ? self.count : 3) <= (has(self.of) ? self.of : 3)",
            "breaches.count must not be larger than breaches.of",
        ),
    )

    @model_validator(mode="after")
    def _count_within(self) -> "Breaches":
        if self.count > self.of:
            raise ValueError(self.RULES[0][1])
        return self


class LabelOperator(StrEnum):
    """How a label is compared with values, as in a label selector of Kubernetes."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelExpression(ApiModel):
    """What an alert must have in one label."""

    key: Annotated[str, Field(min_length=1, max_length=63, pattern=f"^{LABEL_NAME}$")]
    """Name of the label."""
    operator: LabelOperator
    """In: the label has one of the values. NotIn: it has none of them, or is not there. Exists: it is there.
    DoesNotExist: it is not."""
    values: Annotated[tuple[ListedLabelValue, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """The values, for In and NotIn. The placeholders of `prometheus.query` may be used."""

    RULES: ClassVar = (
        (
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "give values with the operators In and NotIn, and none with Exists and DoesNotExist",
        ),
        VALUES_RULE,
    )

    @model_validator(mode="after")
    def _has_values(self) -> "LabelExpression":
        if (self.operator in (LabelOperator.IN, LabelOperator.NOT_IN)) != bool(self.values):
            raise ValueError(self.RULES[0][1])
        return self


class AlertSelector(ApiModel):
    """Alerts of a Prometheus server that speak against a version."""

    source: Label = "default"
    """Name of a metric source in the operator's configuration. Default: `default`."""
    match_labels: Annotated[
        dict[str, LabelValue],
        WithJsonSchema(
            {
                "type": "object",
                "maxProperties": 16,
                "additionalProperties": LABEL_VALUE_SCHEMA,
            }
        ),
    ] = Field(default_factory=dict)
    """Labels that an alert must have, each with exactly this value; a value is no regular expression. The placeholders
    of `prometheus.query` may be used."""
    match_expressions: Annotated[
        tuple[LabelExpression, ...], Field(max_length=8, json_schema_extra=listed("map", "key", "operator"))
    ] = ()
    """What an alert must have in its labels besides. Either here, by the operator In, or in `matchLabels` the alerts
    must be named by `alertname`."""

    @property
    def alert_names(self) -> tuple[str, ...]:
        """The names by which the alerts are asked for, with their placeholders."""
        if "alertname" in self.match_labels:
            return (self.match_labels["alertname"],)
        named = (each for each in self.match_expressions if each.key == "alertname")
        return next((each.values for each in named if each.operator is LabelOperator.IN), ())

    @property
    def names_the_revision(self) -> bool:
        """Whether only alerts about the pods of the revision have these labels."""
        asked: list[tuple[str, ...]] = [(each,) for each in self.match_labels.values()]
        asked += [each.values for each in self.match_expressions if each.operator is LabelOperator.IN]
        names = ("${version}", "${templateHash}", "${podTemplateHash}")
        return any(all(any(name in value for name in names) for value in values) for values in asked)

    RULES: ClassVar = (
        (
            "(has(self.matchLabels) && 'alertname' in self.matchLabels) || (has(self.matchExpressions) && "
            "self.matchExpressions.exists(e, e.key == 'alertname' && e.operator == 'In'))",
            "alert must name the alerts by `alertname`, in matchLabels or by the operator In of matchExpressions",
        ),
        (
            "!has(self.matchLabels) || self.matchLabels.all(name, name.matches('^[a-zA-Z_][a-zA-Z0-9_]{0,62}$'))",
            "alert.matchLabels must have names of Prometheus labels: letters, digits and underscores, at most 63",
        ),
    )

    @model_validator(mode="after")
    def _named(self) -> "AlertSelector":
        if not self.alert_names:
            raise ValueError(self.RULES[0][1])
        if any(re.fullmatch(LABEL_NAME, name) is None for name in self.match_labels):
            raise ValueError(self.RULES[1][1])
        return self


class MinimumSamples(ApiModel):
    """How much a check must rest on."""

    query: PromQL
    """PromQL that gives the number of samples as one series, such as requests in `${window}`; asked at the same times,
    of the same source and with the same placeholders as the metric."""
    count: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """The smallest number with which a check counts; with fewer it is a check without data."""


class Baseline(StrEnum):
    """What a metric is compared with."""

    STABLE = "Stable"


class MetricMode(StrEnum):
    """Whether something follows from a metric."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Metric(ApiModel):
    """One number, or one alert, that tells a good version from a bad one."""

    name: Label
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
    """Stable: the number must not be much worse than that of the last version known good, whose last `breaches.of`
    checks while it served are taken. A version that is known good itself is compared with nothing."""
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

    RULES: ClassVar = (
        ("has(self.prometheus) != has(self.alert)", "set exactly one of prometheus and alert"),
        (
            "!has(self.prometheus) || has(self.threshold) || has(self.compareTo)",
            "set threshold or compareTo: a number alone is neither good nor bad",
        ),
        (
            "!has(self.alert) || !(has(self.threshold) || has(self.compareTo) || has(self.breaches) || "
            "has(self.minimumSamples) || has(self.onNoData))",
            "leave out threshold, compareTo, breaches, minimumSamples and onNoData: an alert says itself when it fires",
        ),
        (
            "has(self.compareTo) == (has(self.maxIncreasePercent) || has(self.maxDecreasePercent))",
            "set compareTo together with maxIncreasePercent or maxDecreasePercent",
        ),
    )

    @property
    def source(self) -> str:
        """Name of the metric source that is asked."""
        return next(each.source for each in (self.prometheus, self.alert) if each is not None)

    @model_validator(mode="after")
    def _is_consistent(self) -> "Metric":
        alone = {"threshold", "compare_to", "breaches", "minimum_samples", "on_no_data"}
        compared = self.max_increase_percent is not None or self.max_decrease_percent is not None
        for holds, (_, message) in zip(
            (
                (self.prometheus is None) != (self.alert is None),
                self.prometheus is None or self.threshold is not None or self.compare_to is not None,
                self.alert is None or not alone & self.model_fields_set,
                (self.compare_to is not None) == compared,
            ),
            self.RULES,
            strict=True,
        ):
            if not holds:
                raise ValueError(message)
        return self


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
    """Seconds for which all metrics must pass, after the rollout, before the version counts as known good.
    Default: 300."""
    after_promotion: AfterPromotion = AfterPromotion.WATCH
    """Whether a verified version is still watched for as long as it serves: Watch or Stop. Default: Watch."""
    metrics: Annotated[tuple[Metric, ...], Field(max_length=16, json_schema_extra=listed("map", "name"))] = ()
    """What is watched. Without metrics a version is known good when it has been available for `bakeSeconds`."""
