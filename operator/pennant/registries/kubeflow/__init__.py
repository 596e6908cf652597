"""Reads the Kubeflow Model Registry, over HTTP."""
