"""Metric sources, one per module. A custom resource names a source; only the configuration knows its URL."""
