"""Opens a registry with the address and the credentials of a user; they come from the variables of its own client."""

import base64
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from pennant.cli import clock
from pennant.cli.errors import CliError
from pennant.record.secrecy import without_credentials
from pennant.registries.http import Http
from pennant.registries.mlflow.registry import Mlflow
from pennant.registries.protocol import Registry

ADDRESS, TOKEN = "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
CERTIFICATE, INSECURE = "MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_INSECURE_TLS"
HINT = f"Set {TOKEN}, or {USER} and {PASSWORD}"


@asynccontextmanager
async def opened(
    kind: str, address: str | None, repository: str | None, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Registry]:
    """Open the registry of a kind; `mlflow` is the only one so far."""
    assert kind == "mlflow"
    given = address or environment.get(ADDRESS)
    if not given:
        raise CliError(f"no registry is given; use --from URL, or set {ADDRESS}")
    if not _is_address(given):
        raise CliError(f"{_shown(given)} is no address of an MLflow server; write it as https://HOST:PORT")
    base = without_credentials(given).rstrip("/")
    http = Http(base, _headers(given, environment), hint=HINT, tls=_tls(environment), now=clock.now)
    try:
        yield Mlflow(http, base, repository)
    finally:
        await http.close()


def _is_address(given: str) -> bool:
    try:
        parts = urlsplit(given)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _shown(given: str) -> str:
    """Return a wrong address without what may be a password."""
    return given.rpartition("@")[2]


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
            raise CliError(f"{CERTIFICATE}: {path} is no file with certificates: {error}") from error
    return True
