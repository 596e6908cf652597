"""A test node: it runs the pods that are bound to it as local processes, each with an address of its own.

It is no kubelet and isolates nothing. It does what the tests need to be true: environment, probes, restarts with
back-off, termination grace, honest conditions and container states. What it cannot do it says in the pod's status.
"""
