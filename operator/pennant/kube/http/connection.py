"""Where the API server is and who we are, as the official client reads it from a kubeconfig or from the pod.

Of the official client only this is used: it knows every form of kubeconfig, exec plugins and token rotation.

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
"""The kubelet replaces a service account token minutes before it ends, never later."""
EXEC_PLUGIN_SECONDS = 30.0
_FAILURES = (ConfigException, YAMLError, OSError, TimeoutError, ValueError)


class Connection:
    """The API server's address, how to trust it, and the credentials of the moment."""

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Read the configuration; raises `Unavailable` where there is none that can be used.

        `kubeconfig` wins over the environment's KUBECONFIG, that over the pod's service account,
        and that over `~/.kube/config`.
        """
        explicit = kubeconfig or os.environ.get("KUBECONFIG")
        in_cluster = not explicit and bool(os.environ.get(SERVICE_HOST_ENV_NAME))
        self._kubeconfig = None if in_cluster else explicit or DEFAULT_KUBECONFIG
        self._kubeconfigs = self._kubeconfig.split(os.pathsep) if self._kubeconfig else []
        self._context = context
        self._lock = asyncio.Lock()
        self._trusted: tuple[Mapping[Path, bytes | None], bool] | None = None
        """The files that the context was made of, and whether the server's certificate is checked."""
        try:
            self._load()
        except _FAILURES as error:
            raise Unavailable(f"no usable configuration of the API server: {_said(error)}") from error

    @property
    def server(self) -> str:
        """The API server's URL, without a slash at the end."""
        return str(self._configuration.host).rstrip("/")

    @property
    def tls(self) -> ssl.SSLContext:
        """What is trusted, and the client certificate if there is one; another object after a file of it changed."""
        return self._tls

    @property
    def server_name(self) -> str | None:
        """The name that the server's certificate must have; None: that of the URL."""
        return self._configuration.tls_server_name or None

    @property
    def proxy(self) -> str | None:
        """The proxy that the kubeconfig names; the environment's proxies are not used."""
        return self._configuration.proxy or None

    @property
    def namespace(self) -> str:
        """The namespace of the pod, or of the kubeconfig's context."""
        return self._namespace

    async def headers(self) -> Mapping[str, str]:
        """Return the header that authenticates, read again when it is older than a minute."""
        if monotonic() >= self._refresh_at:
            await self._in_thread(self._refresh)
        return self._headers

    async def reload(self, refused: Mapping[str, str]) -> bool:
        """Read everything anew after these headers were refused; return whether there are others now."""
        if self._headers == refused:
            await self._in_thread(self._load)
        return self._headers != refused

    async def _in_thread(self, read: Callable[[], None]) -> None:
        # An exec plugin is a process that may take seconds; the loop must not wait for it.
        async with self._lock:
            try:
                await asyncio.wait_for(asyncio.to_thread(read), EXEC_PLUGIN_SECONDS)
            except _FAILURES as error:
                # What we have may still be good; whether it is, the API server says.
                self._refresh_at = monotonic() + REFRESH_SECONDS
                _log.warning("The credentials for the API server cannot be read: %s", _said(error))

    def _refresh(self) -> None:
        """Read the token and the certificates again, or everything where the kubeconfig has changed."""
        if _contents(*self._kubeconfigs) != self._read:
            self._load()
        else:
            self._read_token()
            self._trust(self._configuration)

    def _load(self) -> None:
        # Contents are noted before they are used: what changes in between is noticed the next time.
        contents = _contents(*self._kubeconfigs)
        # An empty string, not None: None would take the proxy from the environment.
        configuration = Configuration(proxy="", no_proxy="")
        if self._kubeconfig is None:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            namespace = Path(SERVICE_TOKEN_FILENAME).with_name("namespace").read_text().strip()
        else:
            load_kube_config(self._kubeconfig, self._context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
            namespace = _context_namespace(self._kubeconfig, self._context)
        self._trust(configuration)
        self._configuration, self._namespace, self._read = configuration, namespace, contents
        self._read_token()

    def _trust(self, configuration: Configuration) -> None:
        """Make the context; where it would be made of the same files it stays, for connections are known by it."""
        files = _contents(configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        if self._trusted != (files, configuration.verify_ssl):
            self._tls = _tls_context(configuration)
            self._trusted = files, configuration.verify_ssl

    def _read_token(self) -> None:
        token = self._configuration.get_api_key_with_prefix("BearerToken")
        self._headers = {"Authorization": token} if token else {}
        self._refresh_at = monotonic() + REFRESH_SECONDS


def _said(error: Exception) -> str:
    """Return what is wrong; not the words of a reader of YAML or of text, for they quote what may be a secret."""
    if isinstance(error, YAMLError | UnicodeError):
        return "the kubeconfig cannot be read as YAML"
    return str(error)


def _contents(*paths: str | None) -> dict[Path, bytes | None]:
    """Return the files that are named, with what is in them."""
    named = [Path(each).expanduser() for each in paths if each]
    return {path: _content(path) for path in named}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


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
