"""The models of ModelVersion and ModelDeployment, from which `crds/` and pages of `docs/` are generated.

Imports neither a client of the cluster nor a clock nor a framework.
"""

GROUP = "pennant.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
DEFAULT_TAG = "production"
"""The tag that a ModelDeployment follows if its spec names none."""
