"""The programs of the rig: which published Go module pins each, and how it is built."""

import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

KUBERNETES_VERSION = "v1.37.2"
PROMETHEUS_VERSION = "3.16.0"
ALERTMANAGER_VERSION = "0.31.1"
ARGOCD_VERSION = "3.6.1"
TOOLS = Path(__file__).parent / "tools"
# Of Prometheus's service discoveries only that of Kubernetes.
TAGS = "remove_all_sd,enable_kubernetes_sd"


@dataclass(frozen=True, slots=True)
class Edit:
    """A line of a published module that is compiled otherwise: what no flag of the program can set."""

    module: str
    """Path of the module."""
    file: str
    """Path of the file in the module."""
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Module:
    """A directory with go.mod, go.sum, tools.go and main packages of our own, and the linker's flags."""

    name: str
    linker_flags: str
    edits: tuple[Edit, ...] = ()

    @property
    def directory(self) -> Path:
        """Where its go.mod is."""
        return TOOLS / self.name

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `go list` and `go build`."""
        return ("-trimpath", "-mod=readonly", "-tags", TAGS)

    @property
    def key(self) -> str:
        """Name what would be built: it changes with every pinned version, flag, platform and line of our own."""
        digest = hashlib.sha256()
        ours = sorted(self.directory.glob("*/*.go"))
        for part in (self.directory / "go.mod", self.directory / "go.sum", *ours):
            digest.update(part.read_bytes())
        edits = (each.after for each in self.edits)
        told = (*self.flags, self.linker_flags, platform.system(), platform.machine(), *edits)
        digest.update("\0".join(told).encode())
        return f"{self.name}-{digest.hexdigest()[:12]}"


# Without the stamps kube-apiserver reports v0.0.0.
_KUBERNETES = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
CONTROL_PLANE = Module(
    "controlplane",
    f"-X {_KUBERNETES}.gitVersion={KUBERNETES_VERSION} -X {_KUBERNETES}.gitMajor={_MAJOR} "
    f"-X {_KUBERNETES}.gitMinor={_MINOR} -X {_KUBERNETES}.gitTreeState=clean "
    f"-X github.com/prometheus/common/version.Version={PROMETHEUS_VERSION} -s -w",
)
ALERTMANAGER = Module("alertmanager", f"-X github.com/prometheus/common/version.Version={ALERTMANAGER_VERSION} -s -w")
ARGOCD = Module(
    "argocd",
    f"-X github.com/argoproj/argo-cd/v3/common.version={ARGOCD_VERSION} -s -w",
    # Nothing of the rig listens on an address that others reach.
    (Edit("github.com/argoproj/argo-cd/v3", "controller/appcontroller.go", '"0.0.0.0:%d"', '"127.0.0.1:%d"'),),
)


# The oldest Kubernetes that `kubeVersion` of the chart allows.
OLDEST = Module("oldest", "-s -w")


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the rig and the main package that it is built from."""

    name: str
    package: str
    module: Module = CONTROL_PLANE


# In the order of building: the later ones share most packages with the earlier ones.
PROGRAMS = {
    program.name: program
    for program in (
        Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        Program("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        Program("etcd", "go.etcd.io/etcd/server/v3"),
        Program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus"),
        Program("promtool", "github.com/prometheus/prometheus/cmd/promtool"),
        Program("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
        Program("alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", ALERTMANAGER),
        Program("oldest-crds", "./crds", OLDEST),
        # All parts of Argo CD, its cache, and its Lua engine for many objects at a time.
        Program("argocd", "github.com/argoproj/argo-cd/v3/cmd", ARGOCD),
        Program("argocd-redis", "./redis", ARGOCD),
        Program("argocd-lua", "./lua", ARGOCD),
    )
}
