"""The API server's address, TLS context and credentials, from a kubeconfig or from the pod's service account.

The official client's configuration reads them: it supports every form of kubeconfig, exec plugins and token rotation.
Nothing else of the official client is used.

Rule: R100.
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from kubernetes.client.configuration import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import (
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    load_incluster_config,
)
from kubernetes.config.kube_config import list_kube_config_contexts, load_kube_config
from yaml import YAMLError

from pennant.ports import Unavailable

_log = logging.getLogger(__name__)

DEFAULT_KUBECONFIG = "~/.kube/config"
REFRESH_SECONDS = 60.0
"""Seconds after which a token is read again; the kubelet replaces it minutes before it expires."""
EXEC_PLUGIN_SECONDS = 30.0
# A file that is YAML but no kubeconfig makes the library fail in any of these ways.
_FAILURES = (ConfigException, YAMLError, OSError, TimeoutError, ValueError, TypeError, AttributeError, KeyError)


class Connection:
    """The configuration of a client; credentials and certificates are read again when they change."""

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Read the configuration; raises `Unavailable` where none can be used.

        The first that exists is used: `kubeconfig`, the environment variable KUBECONFIG, the pod's service account,
        `~/.kube/config`.
        """
        explicit = kubeconfig or os.environ.get("KUBECONFIG")
        in_cluster = not explicit and bool(os.environ.get(SERVICE_HOST_ENV_NAME))
        self._kubeconfig = None if in_cluster else explicit or DEFAULT_KUBECONFIG
        self._kubeconfigs = self._kubeconfig.split(os.pathsep) if self._kubeconfig else []
        self._context = context
        self._lock = asyncio.Lock()
        self._tls_made_of: tuple[Mapping[Path, bytes | None], bool] | None = None
        """The files of which the TLS context was made, and whether the server's certificate is verified."""
        try:
            self._load()
        except _FAILURES as error:
            raise Unavailable(f"no usable configuration of the API server: {_message(error)}") from error

    @property
    def server(self) -> str:
        """The API server's URL, without a slash at the end."""
        return str(self._configuration.host).rstrip("/")

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context with the CA and the client certificate; a new object after one of the files changed."""
        return self._tls

    @property
    def server_name(self) -> str | None:
        """The name that the server's certificate must have; None where that is the host of the URL."""
        return self._configuration.tls_server_name or None

    @property
    def proxy(self) -> str | None:
        """The proxy of the kubeconfig; proxies of the environment are not used."""
        return self._configuration.proxy or None

    @property
    def namespace(self) -> str:
        """The namespace of the pod, or of the kubeconfig's context."""
        return self._namespace

    async def headers(self) -> Mapping[str, str]:
        """Return the header with the credentials, read again when it is older than `REFRESH_SECONDS`."""
        if monotonic() >= self._refresh_at:
            await self._in_thread(self._refresh)
        return self._headers

    async def reload(self, refused: Mapping[str, str]) -> bool:
        """Read the configuration again after these headers were refused; return whether the headers changed."""
        if self._headers == refused:
            await self._in_thread(self._load)
        return self._headers != refused

    async def _in_thread(self, read: Callable[[], None]) -> None:
        # An exec plugin is a process that may take seconds, and must not block the loop.
        async with self._lock:
            try:
                await asyncio.wait_for(asyncio.to_thread(read), EXEC_PLUGIN_SECONDS)
            except _FAILURES as error:
                # The present credentials may still be valid; the API server decides that.
                self._refresh_at = monotonic() + REFRESH_SECONDS
                _log.warning("The credentials for the API server cannot be read: %s", _message(error))

    def _refresh(self) -> None:
        """Read the token and the certificates again, or everything where the kubeconfig changed."""
        if _contents(*self._kubeconfigs) != self._read:
            self._load()
        else:
            self._read_token()
            self._set_tls(self._configuration)

    def _load(self) -> None:
        # The contents are kept before they are used, so a change in between is detected the next time.
        contents = _contents(*self._kubeconfigs)
        # None instead of an empty string would take the proxy from the environment.
        configuration = Configuration(proxy="", no_proxy="")
        if self._kubeconfig is None:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            namespace = Path(SERVICE_TOKEN_FILENAME).with_name("namespace").read_text().strip()
        else:
            load_kube_config(self._kubeconfig, self._context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
            namespace = _context_namespace(self._kubeconfig, self._context)
        self._set_tls(configuration)
        self._configuration, self._namespace, self._read = configuration, namespace, contents
        self._read_token()

    def _set_tls(self, configuration: Configuration) -> None:
        """Make a new TLS context if its files changed: pooled connections are only reused with the same object."""
        files = _contents(configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        if self._tls_made_of != (files, configuration.verify_ssl):
            self._tls = _tls_context(configuration)
            self._tls_made_of = files, configuration.verify_ssl

    def _read_token(self) -> None:
        token = self._configuration.get_api_key_with_prefix("BearerToken")
        self._headers = {"Authorization": token} if token else {}
        self._refresh_at = monotonic() + REFRESH_SECONDS


def _message(error: Exception) -> str:
    """Return the message of an error; errors of the YAML parser and of decoding may quote a secret, so not theirs."""
    if isinstance(error, YAMLError | UnicodeError):
        return "the kubeconfig cannot be read as YAML"
    return str(error)


def _contents(*paths: str | None) -> dict[Path, bytes | None]:
    """Return the contents of the files; None for one that cannot be read."""
    named = [Path(each).expanduser() for each in paths if each]
    return {path: _content(path) for path in named}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def contexts(kubeconfig: str | None = None) -> list[str]:
    """Return the names of the contexts of a kubeconfig, or of the one that KUBECONFIG names."""
    found, _ = list_kube_config_contexts(kubeconfig or os.environ.get("KUBECONFIG"))  # type: ignore[no-untyped-call]
    return sorted(str(each["name"]) for each in found)


def context_namespace(kubeconfig: str | None = None, context: str | None = None) -> str:
    """Return the namespace of a kubeconfig's context, without credentials; `default` where there is no kubeconfig."""
    where = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    if kubeconfig is None and not any(Path(each).expanduser().exists() for each in where.split(os.pathsep)):
        return "default"
    try:
        return _context_namespace(where, context)
    except _FAILURES as error:
        raise Unavailable(f"the kubeconfig cannot be read: {_message(error)}") from error


def _context_namespace(kubeconfig: str, name: str | None) -> str:
    contexts, current = list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]
    chosen = next((each for each in contexts if each["name"] == name), current)
    return str(chosen["context"].get("namespace") or "default")


def _tls_context(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
