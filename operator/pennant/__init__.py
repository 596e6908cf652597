"""Pennant serves the model version that flies the production tag, watches it, and rolls back by itself."""

__version__ = "0.1.0"
