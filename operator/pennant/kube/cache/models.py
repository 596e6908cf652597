"""Which ModelVersions a model has, and which ModelDeployments deploy it: a change of one is an event for the others."""

from dataclasses import dataclass
from sys import intern

from pennant.core.analysis.kinds.alert import alert_names
from pennant.core.facts.observation import Invalid, Key, Snapshot, Version

Model = tuple[str, str]
"""Namespace and name of a model."""
Keys = frozenset[Key]
NO_KEYS: Keys = frozenset()
_NO_ALERTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Head:
    """What is looked up of all ModelDeployments, and so is not packed."""

    model: Model | None
    """None: the spec is invalid."""
    version: str | None = None
    """`spec.version`."""
    alerts: frozenset[str] = _NO_ALERTS
    """The names of alerts that its metrics select, with their placeholders."""

    @classmethod
    def of(cls, deployment: Snapshot) -> "Head":
        """Return that of a ModelDeployment."""
        spec = deployment.spec
        if isinstance(spec, Invalid):
            return cls(None)
        return cls(model_of(deployment), spec.version, alert_names(spec.analysis) or _NO_ALERTS)


def model_of(deployment: Snapshot) -> Model | None:
    """Return the model of a ModelDeployment; None where its spec is invalid."""
    if isinstance(deployment.spec, Invalid):
        return None
    return deployment.key.namespace, intern(deployment.spec.model)


class ModelIndex:
    """The versions of each model by name, and the keys of its ModelDeployments."""

    def __init__(self) -> None:
        self._versions: dict[Model, dict[str, Version]] = {}
        self._deployments: dict[Model, set[Key]] = {}
        self._without_model: set[Key] = set()

    def versions(self, model: Model) -> tuple[Version, ...]:
        """Return all known versions of a model."""
        return tuple(self._versions.get(model, {}).values())

    def put_version(self, model: Model, version: Version) -> None:
        """Add a version, or replace the one of its name."""
        self._versions.setdefault(model, {})[version.name] = version

    def remove_version(self, model: Model, version: Version) -> None:
        """Remove a version that is known."""
        del self._versions[model][version.name]

    def deployed(self) -> tuple[Model, ...]:
        """Return the models that have ModelDeployments."""
        return tuple(model for model, keys in self._deployments.items() if keys)

    def deployments(self, model: Model) -> Keys:
        """Return the ModelDeployments of a model."""
        return frozenset(self._deployments.get(model, ()))

    def possible_deployments(self, model: Model) -> Keys:
        """Return the ModelDeployments of a model, and those of its namespace whose model is not known."""
        return self.deployments(model) | {key for key in self._without_model if key.namespace == model[0]}

    def add_deployment(self, model: Model | None, key: Key) -> None:
        """Add a ModelDeployment; None: its spec is invalid, so it is not known which model it has."""
        self._keys(model).add(key)

    def remove_deployment(self, model: Model | None, key: Key) -> None:
        """Remove a ModelDeployment that is known; `model` is as it was added."""
        self._keys(model).discard(key)

    def _keys(self, model: Model | None) -> set[Key]:
        return self._without_model if model is None else self._deployments.setdefault(model, set())
