"""A test node: it runs the pods that are bound to it as local processes, each with an address of its own.

It is no kubelet and isolates nothing: a process sees the machine's files, and no volume is mounted. It does what tests
need to be true: command, arguments and environment, probes, restarts with back-off, termination grace, exit codes, and
honest conditions and container states. A pod that asks for more is not run, and its status names what it asks for.

A container works in `<directory>/<namespace>_<pod>_<uid>/<container>`, which stays when the pod is gone; the file `log`
in there is its output.
"""
