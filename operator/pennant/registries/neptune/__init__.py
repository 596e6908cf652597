"""Exports of Neptune's model registry: the service has ended, and neptune-exporter wrote what there was."""
