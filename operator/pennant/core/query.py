"""The text of a query: placeholders are filled in, and a value stays inside the string that it stands in."""

import re
from collections.abc import Mapping

from pennant.api.model_deployment import HistoryEntry, ModelDeploymentSpec, ModelDeploymentStatus
from pennant.core.observation import Key

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "'": r"\'", "\n": r"\n", "\r": r"\r"})


def values(
    key: Key, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, entry: HistoryEntry
) -> Mapping[str, str]:
    """Return what the placeholders of a query about this revision stand for."""
    stable = status.stable
    stable_entry = next((each for each in status.history if stable and each.revision == stable.revision), None)
    return {
        "namespace": key.namespace,
        "name": key.name,
        "model": spec.model,
        "version": entry.version,
        "templateHash": entry.template_hash,
        "stableVersion": stable.version if stable else "",
        "stableTemplateHash": stable_entry.template_hash if stable_entry else "",
        "window": f"{spec.analysis.interval_seconds}s",
    }


def substituted(query: str, values: Mapping[str, str]) -> str:
    """Return the query with its placeholders filled; a value stays inside the string it stands in."""
    return filled(query, {name: value.translate(_ESCAPES) for name, value in values.items()})


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders filled by these values as they are."""
    return _PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), text)
