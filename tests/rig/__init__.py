"""A real control plane for tests and the demo: real parts on 127.0.0.1, without root, without containers.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler and Prometheus run as processes of one directory; pods
run as processes on a test node of our own. `python -m rig up` starts one; `Rig.start` is the same in a program.
"""

from rig.cluster import Rig
from rig.errors import BuildError, DownloadError, KubectlError, RigError, StartError

__all__ = ["BuildError", "DownloadError", "KubectlError", "Rig", "RigError", "StartError"]
