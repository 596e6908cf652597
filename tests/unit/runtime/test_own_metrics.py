"""Each metric is defined once: what is exported, what its reference says and how many series an object has agree."""

import inspect
from collections.abc import Iterator

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import Kind
from pennant.runtime.own_metrics import object_definitions, process_definitions, sync_definitions
from pennant.runtime.own_metrics.definition import Definition, MetricType
from pennant.runtime.own_metrics.reference import page
from pennant.runtime.telemetry import Telemetry
from unit.runtime.test_telemetry import text, watched

SYNC = sync_definitions.DEFINITIONS
ALL = (*object_definitions.DEFINITIONS, object_definitions.SUSPECTED, *process_definitions.DEFINITIONS)
METRICS = [
    {"name": name, "prometheus": {"query": 'accuracy{version="${version}"}'}, "threshold": {"min": "0.1"}}
    for name in ("one", "two", "three")
]


def families(lines: list[str]) -> Iterator[Metric]:
    return iter(text_string_to_metric_families("\n".join(lines) + "\n"))


async def exported() -> list[str]:
    """Return the metrics of an operator that has done something of everything, with one ModelDeployment."""
    telemetry = Telemetry()
    story = watched(telemetry)
    story.accuracy.values = {"1.0.0": 0.95}
    story.version("1.0.0", "production")
    story.deployment(analysis={"intervalSeconds": 1, "bakeSeconds": 1, "metrics": METRICS})
    await story.until(lambda: bool(story.status.stable))
    telemetry.led(True)
    telemetry.reconciled(Kind.MODEL_DEPLOYMENT, 1)
    telemetry.failed("bug")
    telemetry.queued(Kind.MODEL_DEPLOYMENT, 1, 1)
    telemetry.failing(Kind.MODEL_DEPLOYMENT, 1)
    telemetry.requested(next(iter(ApiVerb)), Kind.MODEL_DEPLOYMENT, 200, 1)
    telemetry.queried("default", "success", 1)
    telemetry.hinted(200)
    telemetry.relisted(1, 1)
    return text(telemetry)


async def test_what_is_exported_is_what_is_defined() -> None:
    found = {each.name: each for each in families(await exported())}
    assert found.keys() == {each.name.removesuffix("_total") for each in ALL}
    for definition in ALL:
        family = found[definition.name.removesuffix("_total")]
        assert (family.documentation, family.type) == (definition.means, definition.type.value)
        labels = {frozenset(sample.labels) - {"le"} for sample in family.samples}
        assert labels == ({frozenset(definition.labels)} if definition is not object_definitions.SUSPECTED else set())


async def test_an_object_with_three_metrics_has_at_most_45_series() -> None:
    lines = [each for each in await exported() if 'name="fraud"' in each]
    assert len(lines) == 45
    assert "with three metrics 45 series" in page()
    assert len([each for each in lines if "metric=" not in each]) == 27
    assert "A ModelDeployment has 27 series." in page()


@pytest.mark.parametrize("definition", [*ALL, *SYNC], ids=lambda each: each.name)
def test_an_example_is_a_series_of_its_metric(definition: Definition) -> None:
    (family,) = families([definition.example])
    (sample,) = family.samples
    suffix = "_count" if definition.type is MetricType.HISTOGRAM else ""
    assert sample.name == definition.name + suffix
    assert list(sample.labels) == list(definition.labels)
    assert f"### {definition.name}\n" in page()


def test_every_definition_is_in_a_list() -> None:
    modules = (object_definitions, process_definitions, sync_definitions)
    defined = {each for module in modules for _, each in inspect.getmembers(module) if isinstance(each, Definition)}
    assert defined == {*ALL, *SYNC}
