"""Which ModelVersions a model has, and which ModelDeployments deploy it: a change of one is an event for the others."""

from pennant.core.facts.observation import Key, Version

Model = tuple[str, str]
"""Namespace and name of a model."""
Keys = frozenset[Key]
NO_KEYS: Keys = frozenset()


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
