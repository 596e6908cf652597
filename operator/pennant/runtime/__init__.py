"""The process: the only importer of kopf and prometheus_client. It builds every object and hands it over."""
