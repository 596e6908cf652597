"""How each part is started, and what it has to answer before it counts as ready."""

import json
import ssl
import sys
import tomllib
import urllib.request
from pathlib import Path

from rig import binaries, config
from rig.place import NODE, Place

KWOK_NODE_LABEL = "rig.pennant.dev/kwok"
OPERATOR_IMAGE = Path(__file__).with_name("node") / "operator_image.py"
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
KWOK_STAGES = Path(__file__).with_name("kwok-stages.yaml")
# What makes the defaults slow is meant for clusters that others share.
_FAST_CLIENT = ("--kube-api-qps=2000", "--kube-api-burst=4000")
_ISSUER = "https://kubernetes.default.svc"
_READINESS = {"etcd": "/health", "prometheus": "/-/ready", "alertmanager": "/-/ready", "kwok": "/readyz"}


def command(place: Place, part: str) -> list[str]:
    """Return the command line of a part."""
    if part == "node":
        return [
            *(sys.executable, "-m", "rig.node"),
            *("--kubeconfig", str(place.kubeconfig), "--name", NODE),
            *("--directory", str(place.directory / "pods"), "--address-block", place.block.pod_prefix),
            *("--images", str(place.directory / "images.json")),
        ]
    flags = {
        "etcd": _etcd,
        "kube-apiserver": _api_server,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "prometheus": _prometheus,
        "alertmanager": _alertmanager,
        "kwok": _kwok,
    }
    return [str(binaries.ensure([part])[part]), *flags[part](place)]


def _etcd(place: Place) -> list[str]:
    return [
        f"--data-dir={place.directory / 'etcd'}",
        # Nobody's data: speed instead of safety from power cuts.
        "--unsafe-no-fsync",
        f"--listen-client-urls=http://{place.address('etcd')}",
        f"--advertise-client-urls=http://{place.address('etcd')}",
        f"--listen-peer-urls=http://{place.address('etcd-peer')}",
        "--log-level=warn",
    ]


def _api_server(place: Place) -> list[str]:
    host = place.address("kube-apiserver").partition(":")[0]
    return [
        f"--etcd-servers=http://{place.address('etcd')}",
        f"--bind-address={host}",
        f"--advertise-address={host}",
        f"--secure-port={place.port('kube-apiserver')}",
        f"--cert-dir={place.certificates}",
        f"--token-auth-file={place.certificates / 'tokens.csv'}",
        f"--service-account-issuer={_ISSUER}",
        # The pair that it makes for its own certificate at the first start: so that we need no tool to make another.
        f"--service-account-signing-key-file={place.certificates / 'apiserver.key'}",
        f"--service-account-key-file={place.ca_file}",
        "--authorization-mode=RBAC",
        # As some distributions do: an owner whose deletion is delayed must be one that the writer may finalize.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--audit-policy-file={place.directory / 'audit-policy.json'}",
        f"--audit-log-path={place.audit_log}",
        # Written before the request counts as done, and never rotated away: tests read one file from its beginning.
        "--audit-log-mode=blocking",
        "--audit-log-maxsize=1000000",
    ]


def _controller_manager(place: Place) -> list[str]:
    return [
        f"--kubeconfig={place.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        *_FAST_CLIENT,
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
        "--concurrent-namespace-syncs=20",
        f"--service-account-private-key-file={place.certificates / 'apiserver.key'}",
        f"--root-ca-file={place.ca_file}",
    ]


def _scheduler(place: Place) -> list[str]:
    return [f"--kubeconfig={place.kubeconfig}", "--leader-elect=false", "--secure-port=0", *_FAST_CLIENT]


def _prometheus(place: Place) -> list[str]:
    return [
        f"--config.file={place.directory / 'prometheus.json'}",
        f"--storage.tsdb.path={place.directory / 'prometheus'}",
        f"--web.listen-address={place.address('prometheus')}",
        "--web.enable-lifecycle",
        # A new pod is scraped within its first second instead of its first five.
        "--scrape.discovery-reload-interval=250ms",
        "--log.level=warn",
    ]


def _alertmanager(place: Place) -> list[str]:
    return [
        f"--config.file={place.directory / 'alertmanager.json'}",
        f"--storage.path={place.directory / 'alertmanager'}",
        f"--web.listen-address={place.address('alertmanager')}",
        "--cluster.listen-address=",
    ]


def _kwok(place: Place) -> list[str]:
    return [
        f"--kubeconfig={place.kubeconfig}",
        f"--config={KWOK_STAGES}",
        f"--server-address={place.address('kwok')}",
        # Its fake nodes only: the node of the rig runs its pods for real.
        f"--manage-nodes-with-label-selector={KWOK_NODE_LABEL}=true",
        # As a kubelet does. Without a Lease the nodes count as lost after 40 seconds, and their pods as not ready.
        "--node-lease-duration-seconds=40",
    ]


def write_configuration(place: Place) -> None:
    """Write what the parts read when they start; the kubeconfig waits for the API server's certificate."""
    config.write_text(place.certificates / "tokens.csv", f"{place.admin_token},admin,admin,system:masters\n")
    config.write_text(place.token_file, place.admin_token)
    config.write(place.directory / "audit-policy.json", config.AUDIT_POLICY)
    config.write(place.directory / "alertmanager.json", config.ALERTMANAGER)
    config.write(place.directory / "images.json", {_operator_image(): [sys.executable, str(OPERATOR_IMAGE)]})
    alertmanager = place.address("alertmanager") if "alertmanager" in place.parts else None
    scraping = config.prometheus(
        place.url("kube-apiserver"),
        place.ca_file,
        place.token_file,
        place.scrape_interval,
        str(place.directory / "rules" / "*.yaml"),
        alertmanager,
    )
    config.write(place.directory / "prometheus.json", scraping)


def _operator_image() -> str:
    """Return the name that the chart gives the operator's image where no value says another."""
    return f"pennant:{tomllib.loads(PROJECT.read_text())['project']['version']}"


def write_kubeconfig(place: Place, path: Path, token: str) -> Path:
    """Write a kubeconfig for the holder of the token, and return the path."""
    return config.write(path, config.kubeconfig(place.url("kube-apiserver"), place.ca_file, token))


def is_ready(place: Place, part: str) -> bool:
    """Return whether a part does its work."""
    match part:
        case "etcd" | "prometheus" | "alertmanager" | "kwok":
            return _get(f"http://{place.address(part)}{_READINESS[part]}") is not None
        case "kube-apiserver":
            return _ask(place, "/readyz") == b"ok"
        case "kube-controller-manager":
            # A pod can be made once its ServiceAccount is there.
            return _ask(place, "/api/v1/namespaces/default/serviceaccounts/default") is not None
        case "node":
            return _node_is_ready(json.loads(_ask(place, f"/api/v1/nodes/{NODE}") or b"{}"))
        case _:
            # The scheduler has no port; what it does shows whether it works.
            return True


def _node_is_ready(node: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    conditions = {each["type"]: each["status"] for each in node.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and not node.get("spec", {}).get("taints")


def _ask(place: Place, path: str) -> bytes | None:
    try:
        context = ssl.create_default_context(cafile=str(place.ca_file))
    except (OSError, ssl.SSLError):
        # The API server makes its certificate when it starts: it is not there yet, or not the whole of it.
        return None
    return _get(f"{place.url('kube-apiserver')}{path}", {"Authorization": f"Bearer {place.admin_token}"}, context)


def _get(url: str, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None) -> bytes | None:
    # Whatever proxy the environment names, it is not for servers on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=2) as answer:
            body: bytes = answer.read()
            return body
    except (OSError, ValueError):
        return None
