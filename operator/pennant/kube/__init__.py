"""The API server: requests, a store of what it told, and the port `Cluster` on top of both.

The only importer of the `kubernetes` package, and of it only the configuration. Raw JSON comes in and goes out here;
beyond this package there are only the core's frozen values. Begin with `gateway.py`.
"""
