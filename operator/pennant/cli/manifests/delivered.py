"""What is doubtful about `spec.delivery` with the versions in the same files."""

from collections.abc import Iterator

from pennant.api.delivery import DeliveryMode
from pennant.api.model_deployment import ModelDeploymentSpec
from pennant.api.model_version import ModelVersionSpec
from pennant.cli.manifests.containers import references
from pennant.cli.manifests.documents import Problem
from pennant.core.rollout import delivery

KNOWN = "pennant"
"""What stands for the image of the operator, which only the operator knows."""


def doubts(spec: ModelDeploymentSpec, version: ModelVersionSpec) -> Iterator[Problem]:
    """Yield why a version would not be rolled out, and that a server loads the model itself all the same."""
    if said := delivery.problem(spec, version, KNOWN):
        yield Problem(("spec", "delivery"), f"{version.version} will not be rolled out: {said}")
    if spec.delivery.mode is DeliveryMode.ENV:
        return
    prefix = spec.inject.prefix
    for number, container in enumerate(spec.template["spec"]["containers"]):
        named = references(container)
        uris = [each for each in named if each.startswith(f"{prefix}URI")]
        if uris and not any(each.startswith(f"{prefix}PATH") for each in named):
            said = (
                f"container {container['name']} refers to {uris[0]}: with delivery.mode {spec.delivery.mode}, its bytes"
            )
            yield Problem(
                ("spec", "template", "spec", "containers", number, "name"),
                f"{said} are at $({uris[0].replace('URI', 'PATH', 1)}), and only those are checked",
            )
