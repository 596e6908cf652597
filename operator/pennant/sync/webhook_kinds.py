"""The registries whose webhooks are understood, and how a request of each is checked."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pennant.registries.mlflow import webhook as mlflow

Check = Callable[[Mapping[str, str], bytes, bytes, datetime], tuple[str, frozenset[str]]]
"""Takes headers, body, secret and the time. Returns the identifier of the request, which is the same if it is sent
again, and the models that may have changed. Raises `PermissionError`, and `ValueError` where the body is none."""
WEBHOOKS: Mapping[str, Check] = {"mlflow": mlflow.checked}
"""By the kind of registry."""
