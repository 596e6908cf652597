"""What `/metrics` of sync exports is what is defined."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pennant.kube.http.client import ApiVerb
from pennant.kube.http.resources import Kind
from pennant.registries.importing import Outcome
from pennant.runtime.own_metrics import process_definitions, sync_definitions
from unit.sync.conftest import World

ALL = (*sync_definitions.DEFINITIONS, process_definitions.API_REQUESTS)


def test_what_is_exported_is_what_is_defined(world: World) -> None:
    telemetry = world.telemetry
    telemetry.began("mlflow", 60)
    telemetry.polled("mlflow", "success", 1)
    telemetry.taken("mlflow", Outcome.IMPORTED)
    telemetry.moved("mlflow")
    telemetry.hinted(204)
    telemetry.requested(ApiVerb.LIST, Kind.MODEL_VERSION, 200, 1)
    families = text_string_to_metric_families(generate_latest(telemetry.registry).decode())
    found = {each.name: each for each in families}
    assert found.keys() == {each.name.removesuffix("_total") for each in ALL}
    for definition in ALL:
        family = found[definition.name.removesuffix("_total")]
        assert (family.documentation, family.type) == (definition.means, definition.type.value)
        assert {frozenset(sample.labels) - {"le"} for sample in family.samples} == {frozenset(definition.labels)}


def test_the_series_of_a_registry_are_there_before_its_first_poll(world: World) -> None:
    world.telemetry.began("mlflow", 60)
    text = generate_latest(world.telemetry.registry).decode()
    assert 'pennant_sync_last_success_timestamp_seconds{registry="mlflow"} 0.0' in text
    for what in ("poll", "version", "tag"):
        assert f'pennant_sync_failing{{registry="mlflow",what="{what}"}} 0.0' in text
