"""A test node: it runs the pods that are bound to it as local processes, each with an address of its own.

It is no kubelet and isolates nothing: a process sees the machine's files. It does what tests need to be true: command,
arguments and environment, probes, init containers and sidecars in their order, restarts with back-off, termination
grace, exit codes, and honest conditions and container states. A pod that asks for more is not run, and its status names
what it asks for.

Nothing is mounted at a path of the machine. An emptyDir is a directory, to which a link leads in the working directory
of each container that mounts it: what is mounted at `/models` is found at `models`. A PersistentVolumeClaim is a
directory that stays, and the file in which a container says why it ends (`terminationMessagePath`) is found likewise.

A container works in `<directory>/<namespace>_<pod>_<uid>/<container>`, which stays when the pod is gone; the file `log`
in there is its output.
"""
