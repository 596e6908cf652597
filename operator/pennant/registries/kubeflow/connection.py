"""Opens a Kubeflow Model Registry with an address and the token that its own client reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pennant.registries.catalogue import Given
from pennant.registries.http import Http, base_address
from pennant.registries.kubeflow.registry import Kubeflow
from pennant.registries.protocol import NoAccess, Registry

ADDRESS, SCHEME = "MODEL_REGISTRY_BASE_URL", "MODEL_REGISTRY_SCHEME"
"""As the storage initializer of Kubeflow has them: the host and the port, and `http` or `https`."""
TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
"""Of Kubeflow's Python client: the path of a file."""
POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
HINT = f"Write a token into a file and set {TOKEN_PATH} to its path"


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open the registry; raises `NoAccess` where it has no address or the token cannot be read."""
    address = given.address or given.environment.get(ADDRESS)
    if not address:
        raise NoAccess(f"no registry is given; use --from URL, or set {ADDRESS}")
    if "://" not in address:
        address = f"{given.environment.get(SCHEME) or 'http'}://{address}"
    base = base_address(address, "a Kubeflow Model Registry")
    token = _token(given, base)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    http = Http(base, headers, hint=HINT, now=given.now)
    try:
        yield Kubeflow(http, base, given.repository)
    finally:
        await http.close()


def _token(given: Given, base: str) -> str:
    """Return the token of the file that is named, or that of the pod.

    The token of the pod is sent by default, so it is sent only over TLS.
    """
    if path := given.environment.get(TOKEN_PATH):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise NoAccess(f"{TOKEN_PATH}: {path} cannot be read: {error}") from error
    if not base.startswith("https://"):
        return ""
    try:
        return POD_TOKEN.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
