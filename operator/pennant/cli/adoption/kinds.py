"""The kinds that can be adopted: what each needs beside the object, and what says it as a workload."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pennant.api.meta import Json
from pennant.cli.adoption import argo_rollout, deployment, kserve, seldon
from pennant.cli.adoption.objects import Objects
from pennant.cli.adoption.workload import Workload
from pennant.kube.http.resources import Kind

Wanted = list[tuple[Kind, str]]


def _nothing(raw: Json) -> Wanted:
    return []


@dataclass(frozen=True, slots=True)
class Adoptable:
    """One kind."""

    translated: Callable[[Json, Objects, str], Workload]
    """Takes the object, the others, and the name of the ModelDeployment; raises `CliError` where it cannot."""
    wanted: Callable[[Json], Wanted] = _nothing
    """The kinds and names of objects that it refers to."""
    listed: tuple[Kind, ...] = ()
    """Kinds of which all objects of the namespace are needed, beside autoscalers and Services."""


ADOPTABLE: Mapping[Kind, Adoptable] = {
    Kind.DEPLOYMENT: Adoptable(deployment.translated, listed=(Kind.REPLICA_SET,)),
    Kind.INFERENCE_SERVICE: Adoptable(kserve.translated, kserve.wanted),
    Kind.ROLLOUT: Adoptable(argo_rollout.translated, argo_rollout.wanted),
    Kind.SELDON_DEPLOYMENT: Adoptable(seldon.translated, listed=(Kind.DEPLOYMENT,)),
}
