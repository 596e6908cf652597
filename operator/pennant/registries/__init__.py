"""Reads the records of model versions that registries hold. One subpackage a registry, behind `protocol.py`."""
