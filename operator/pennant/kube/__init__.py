"""The Kubernetes API: an HTTP client, a cache of the operator's objects, and the ports `Cluster` and `Versions`.

`http` sends requests, `codec` translates between JSON and the core's values, `cache` holds what was read. Only
`http/connection.py` imports the `kubernetes` package, for kubeconfig files. Begin with `cluster.py`.
"""
