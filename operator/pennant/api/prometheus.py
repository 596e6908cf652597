"""The kinds of metrics that Prometheus-compatible servers answer: a PromQL query, and alerts that fire."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, model_validator

from pennant.api.meta import ATOMIC, ApiModel, listed
from pennant.api.metric_query import MetricQuery
from pennant.api.promql import LABEL_VALUE_SCHEMA, VALUES_RULE, LabelValue, ListedLabelValue, PromQL

LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]{0,62}"
"""Name of a label in Prometheus."""


class PrometheusQuery(MetricQuery):
    """A query that gives one series."""

    query: PromQL
    """PromQL that gives exactly one series. Within a string, `${namespace}`, `${name}`, `${model}`, `${version}`,
    `${templateHash}`, `${podTemplateHash}`, `${stableVersion}` and `${stableTemplateHash}` stand for these values,
    which mean themselves in a matcher `=~` or `!~` too. `${window}` stands for the interval as a duration, such as
    `30s`, anywhere."""


class MinimumSamples(ApiModel):
    """How much a check must rest on."""

    query: PromQL
    """PromQL that gives the number of samples as one series, such as requests in `${window}`; asked at the same times,
    of the same source and with the same placeholders as the metric."""
    count: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """The smallest number with which a check counts; with fewer it is a check without data."""


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

    HAS_VALUES: ClassVar = (
        "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        "give values with the operators In and NotIn, and none with Exists and DoesNotExist",
    )
    RULES: ClassVar = (HAS_VALUES, VALUES_RULE)

    @model_validator(mode="after")
    def _has_values(self) -> "LabelExpression":
        if (self.operator in (LabelOperator.IN, LabelOperator.NOT_IN)) != bool(self.values):
            raise ValueError(self.HAS_VALUES[1])
        return self


class AlertSelector(MetricQuery):
    """Alerts of a Prometheus server that speak against a version."""

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

    LEAVES_OUT: ClassVar = ("threshold", "compare_to", "breaches", "minimum_samples", "on_no_data")
    BECAUSE: ClassVar = "an alert says itself when it fires"
    NAMES_ALERTS: ClassVar = (
        "(has(self.matchLabels) && 'alertname' in self.matchLabels) || (has(self.matchExpressions) && "
        "self.matchExpressions.exists(e, e.key == 'alertname' && e.operator == 'In'))",
        "alert must name the alerts by `alertname`, in matchLabels or by the operator In of matchExpressions",
    )
    HAS_LABEL_NAMES: ClassVar = (
        "!has(self.matchLabels) || self.matchLabels.all(name, name.matches('^[a-zA-Z_][a-zA-Z0-9_]{0,62}$'))",
        "alert.matchLabels must have names of Prometheus labels: letters, digits and underscores, at most 63",
    )
    RULES: ClassVar = (NAMES_ALERTS, HAS_LABEL_NAMES)

    @model_validator(mode="after")
    def _named(self) -> "AlertSelector":
        if not self.alert_names:
            raise ValueError(self.NAMES_ALERTS[1])
        if any(re.fullmatch(LABEL_NAME, name) is None for name in self.match_labels):
            raise ValueError(self.HAS_LABEL_NAMES[1])
        return self
