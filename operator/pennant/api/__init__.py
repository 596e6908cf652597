"""The models of ModelVersion and ModelDeployment, from which `crds/` and `docs/conditions.md` are generated.

Imports neither a client of the cluster nor a clock nor a framework.
"""

GROUP = "pennant.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
