"""Opens an MLflow server with the address and the credentials of a user, from the variables of MLflow's own client."""

import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from pennant.registries.catalogue import Given
from pennant.registries.http import Http, base_address
from pennant.registries.mlflow.registry import Mlflow
from pennant.registries.protocol import NoAccess, Registry

ADDRESS, TOKEN = "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
CERTIFICATE, INSECURE = "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_INSECURE_TLS"
HINT = f"Set {TOKEN}, or {USER} and {PASSWORD}"


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open the server; raises `NoAccess` where its address or its certificates are no such thing."""
    address = given.address or given.environment.get(ADDRESS)
    if not address:
        raise NoAccess(f"no registry is given; use --from URL, or set {ADDRESS}")
    base = base_address(address, "an MLflow server")
    headers, tls = _headers(address, given.environment), _tls(given.environment)
    http = Http(base, headers, hint=HINT, tls=tls, now=given.now)
    try:
        yield Mlflow(http, base, given.repository)
    finally:
        await http.close()


def _headers(address: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials: of the address, or else a token, or else a user and a password."""
    parts = urlsplit(address)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user and (token := environment.get(TOKEN)):
        return {"Authorization": f"Bearer {token}"}
    user = user or environment.get(USER, "")
    if not user:
        return {}
    pair = f"{user}:{password or environment.get(PASSWORD, '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _tls(environment: Mapping[str, str]) -> ssl.SSLContext | bool:
    if environment.get(INSECURE, "").lower() in ("true", "1"):
        return False
    if path := environment.get(CERTIFICATE):
        try:
            return ssl.create_default_context(cafile=path)
        except OSError as error:
            raise NoAccess(f"{CERTIFICATE}: {path} is no file with certificates: {error}") from error
    return True
