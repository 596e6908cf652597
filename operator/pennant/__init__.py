"""Pennant serves the model version that flies the production tag, watches it, and rolls back by itself.

`pennant.register()` is the last line of a training pipeline.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pennant.record.api import Duplicate, Registered, RegisterError, Taken, register

__all__ = ["Duplicate", "RegisterError", "Registered", "Taken", "__version__", "register"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what makes records when it is used for the first time: the operator does not need it."""
    if name in __all__:
        return getattr(importlib.import_module("pennant.record.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
