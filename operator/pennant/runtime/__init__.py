"""The process; `app` is where to start reading. The only importer of kopf and prometheus_client."""
