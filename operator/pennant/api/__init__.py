"""What users write and read: pydantic models, the only source of the CRDs in `crds/`.

This layer knows no cluster, clock or framework.
"""

GROUP = "pennant.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
