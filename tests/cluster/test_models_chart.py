"""examples/helm/models on the API server: it takes what Helm renders, and the operator serves it."""

import pytest

from chart.models_chart import VALUES, rendered, values_of
from cluster.scenario import Scenario
from rig import Rig


@pytest.mark.parametrize("name", VALUES)
def test_the_api_server_takes_what_is_rendered(rig: Rig, scenario: Scenario, name: str) -> None:
    text = rendered(values_of(name)).replace("namespace: risk", f"namespace: {scenario.namespace}")
    how = ("--server-side", "--dry-run=server", "--validate=strict")
    said = rig.kubectl("apply", *how, "-f", "-", stdin=text).stdout
    assert said.count("serverside-applied (server dry run)") == text.count("kind: Model")
