"""Vertex AI Model Registry, by its REST API."""
