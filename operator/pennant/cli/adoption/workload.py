"""What an object serves, said as a Deployment would say it, and what a Deployment cannot say."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pennant.api.meta import Json
from pennant.api.object_metadata import LONGEST_ANNOTATION, RESERVED, RESERVED_DOMAINS
from pennant.cli.gitops import LAST_APPLIED
from pennant.kube.codec.managers import ARGO_CD, FLUX
from pennant.kube.http.resources import Kind

WRITTEN_BY_OTHERS = (LAST_APPLIED, *ARGO_CD, *FLUX)
"""Labels and annotations by which a tool finds its own objects."""
TOOL_DOMAINS = ("meta.helm.sh/", "rollout.argoproj.io/")


@dataclass(frozen=True, slots=True)
class Artifact:
    """Where an artefact of the model is, and how that is known."""

    uri: str
    why: str
    """Such as `the argument --model of container server`."""
    container: str = ""
    """The container that names it; empty: the object itself does."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """What an object serves."""

    kind: Kind
    name: str
    namespace: str | None
    template: Json
    """The pod template."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    replicas: int | None = None
    rollout: Json = field(default_factory=dict)
    """`spec.rollout` of the ModelDeployment."""
    revision_history_limit: int | None = None
    container: str = ""
    """The container that serves the model, where the object says which; empty: it does not."""
    artifacts: tuple[Artifact, ...] = ()
    """What the object itself says about the model; empty: only the pod template may tell."""
    fetcher: str = ""
    """The init container whose arguments refer to the variables of the record; empty: nothing refers to them."""
    autoscaler: Json | None = None
    """A HorizontalPodAutoscaler of the object."""
    adopts: bool = False
    """Whether Pennant takes over the Deployment of this name."""
    services: tuple[str, ...] = ()
    """Names of Services that lead to its pods, as it says itself."""
    released: tuple[str, ...] = ()
    """The commands that must come before a Service is switched to the new pods, each with what it does after ` # `."""
    retired: tuple[str, ...] = ()
    """The commands that end the old object, likewise."""
    port: int | None = None
    """The port of the model, where the Services of the old pods end with the object; None: they stay."""
    warnings: tuple[str, ...] = ()
    """What is not carried over, line by line."""
    unrest: str = ""
    """Why a Deployment that is taken over is not at rest, such as `it is paused`; empty: it is, or nobody knows."""


def in_namespace(command: str, namespace: str | None) -> str:
    """Return a command with `-n`; None: the manifest of the object does not say its namespace."""
    return f"{command} -n {namespace}" if namespace else command


def losses(value: Json, advice: Mapping[str, str], carried: Iterable[str]) -> Iterator[str]:
    """Yield that each field is lost which is not carried over, with the advice that there is for it."""
    for name, each in value.items():
        if name not in carried and each not in (None, {}, [], ""):
            yield f"{name} is not carried over{f': {advice[name]}' if name in advice else ''}"


def kept_labels(labels: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the labels of an object without those of tools and of Pennant, and a warning for each that is lost."""
    kept = {key: each for key, each in labels.items() if not _is_of_a_tool(key) and not _is_reserved(key)}
    lost = [key for key in labels if key in RESERVED and labels[key] != "pennant"]
    return kept, [f"label {key}: {labels[key]} is not carried over: Pennant sets it to pennant" for key in lost]


def kept_annotations(annotations: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the annotations likewise; one that is too long for a ModelDeployment is lost too."""
    own = {key: each for key, each in annotations.items() if not _is_of_a_tool(key) and not _is_reserved(key)}
    long = [key for key, each in own.items() if len(each) > LONGEST_ANNOTATION]
    warnings = [
        f"annotation {key} is not carried over: it has more than {LONGEST_ANNOTATION} characters" for key in long
    ]
    return {key: each for key, each in own.items() if key not in long}, warnings


def _is_of_a_tool(key: str) -> bool:
    return key in WRITTEN_BY_OTHERS or key.startswith(TOOL_DOMAINS)


def _is_reserved(key: str) -> bool:
    return key in RESERVED or key.startswith(RESERVED_DOMAINS)
