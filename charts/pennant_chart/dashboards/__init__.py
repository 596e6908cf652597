"""The Grafana dashboards, built with the types of the Grafana Foundation SDK."""

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from pennant_chart.dashboards import fleet, modeldeployment, operator_process

DASHBOARDS = {
    "fleet.json": fleet.dashboard,
    "modeldeployment.json": modeldeployment.dashboard,
    "operator.json": operator_process.dashboard,
}


def files() -> dict[str, str]:
    """Return the JSON of each dashboard by its file name."""
    encoder = JSONEncoder(indent=1, sort_keys=True)
    return {name: encoder.encode(_numbered(make().build())) + "\n" for name, make in DASHBOARDS.items()}


def _numbered(built: Dashboard) -> Dashboard:
    """Give the panels the ids that links to one of them need."""
    for number, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number
    return built
