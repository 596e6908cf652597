"""The rig as tests and the demo see it."""

import os
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from rig import binaries, control, servers
from rig.addresses import claimed_block
from rig.control import Controls, Remote
from rig.errors import KubectlError, StartError
from rig.parts import Parts, owner, prepare
from rig.place import DEFAULT_PARTS, Place, checked
from rig.processes import Identity

KUBECTL_SECONDS = 120
ATTEMPTS = 25


class Rig:
    """A running control plane; close it, or use it as a context."""

    def __init__(self, place: Place, controls: Controls) -> None:
        """Take a control plane that runs; `start` and `attach` are the ways to one."""
        self.place, self._controls = place, controls

    @classmethod
    def start(
        cls,
        directory: Path,
        parts: Sequence[str] = DEFAULT_PARTS,
        scrape_interval: str = "1s",
        *,
        supervised: bool = False,
    ) -> Self:
        """Start a control plane in a directory and return when it is ready.

        It ends with this process, however that ends. Raises `StartError` with the end of the right log.
        """
        names = checked(parts)
        directory = directory.resolve()
        # What takes minutes comes before anything is claimed.
        binaries.ensure([*(part for part in names if part != "node"), "kubectl"])
        prepare(directory)
        with ExitStack() as undo:
            claim = undo.enter_context(ExitStack())
            block = claim.enter_context(claimed_block())
            place = Place(directory, block, names, scrape_interval, secrets.token_hex(16))
            running = Parts(place, Identity.me(), supervised, claim)
            undo.callback(running.close)
            running.start_all()
            undo.pop_all()
        return cls(place, running)

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Return the control plane that `python -m rig up` holds in this directory; closing it leaves it running."""
        directory = directory.resolve()
        held = owner(directory)
        if held is None:
            raise StartError(f"no rig runs in {directory}: start one with `python -m rig up --directory {directory}`")
        place = Place.load(held[1], directory)
        return cls(place, Remote(place))

    def __enter__(self) -> Self:
        """Return the running control plane."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Stop all parts, unless a supervisor holds them."""
        self._controls.close()

    # Where things are.
    @property
    def directory(self) -> Path:
        """What the control plane keeps, with its logs."""
        return self.place.directory

    @property
    def api_server(self) -> str:
        """URL of the API server."""
        return self.place.url("kube-apiserver")

    @property
    def prometheus_url(self) -> str:
        """URL of Prometheus."""
        return self.place.url("prometheus")

    @property
    def alertmanager_url(self) -> str:
        """URL of Alertmanager."""
        return self.place.url("alertmanager")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.place.kubeconfig

    @property
    def ca_file(self) -> Path:
        """The certificate that the API server's is checked against."""
        return self.place.ca_file

    @property
    def admin_token(self) -> str:
        """The bearer token of the administrator, a member of system:masters."""
        return self.place.admin_token

    @property
    def audit_log(self) -> Path:
        """One JSON line for each request to the API server, with its user agent, verb and object."""
        return self.place.audit_log

    @property
    def rules(self) -> Path:
        """The directory whose `*.yaml` are Prometheus's rules; it reads them on `reload`."""
        return self.directory / "rules"

    def log(self, part: str) -> Path:
        """Return the log of a part."""
        return self.place.log(part)

    def binary(self, name: str) -> Path:
        """Return a program of the control plane, and build it first where it is missing."""
        return binaries.ensure([name])[name]

    # What can be done.
    def kubectl(
        self, *arguments: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; raises `KubectlError` with what it said where it fails."""
        command = [str(self.binary("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        # What kubectl remembers of the API stays here: the next rig may have the same address.
        environment = os.environ | {"KUBECACHEDIR": str(self.directory / "kubectl")}
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=KUBECTL_SECONDS, env=environment, check=False
        )
        if check and done.returncode != 0:
            raise KubectlError(f"$ kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done

    def until_crds_are_served(self) -> None:
        """Wait until the API server serves all CRDs; raises `KubectlError` where it does not within some seconds.

        `kubectl wait` fails on a CRD that was just created: it has no conditions yet.
        """
        wait = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for _ in range(ATTEMPTS):
            if self.kubectl(*wait, check=False).returncode == 0:
                return
            time.sleep(0.2)
        self.kubectl(*wait)

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """Return a kubeconfig with the rights of a ServiceAccount, good for a day."""
        token = self.kubectl("create", "token", service_account, "--namespace", namespace, "--duration=24h").stdout
        return servers.write_kubeconfig(
            self.place, self.directory / f"kubeconfig-{namespace}-{service_account}", token.strip()
        )

    def stop_part(self, name: str) -> None:
        """Stop one part; the others run on."""
        self._controls.stop(name)

    def start_part(self, name: str) -> None:
        """Start one part again, with the same port and data."""
        self._controls.start(name)

    def reload(self, part: str) -> None:
        """Have Prometheus or Alertmanager read its configuration and rules anew."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(urllib.request.Request(f"{self.place.url(part)}/-/reload", method="POST"), timeout=10).close()

    def supervise(self) -> None:
        """Do what other processes ask of the parts, until a signal ends this."""
        with control.listening(self.directory) as listener:
            control.serve(listener, self._controls)
