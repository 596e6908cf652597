"""The command line: `pennant VERB`, and `kubectl pennant VERB` as a plugin. One verb per module.

A verb reads the cluster as the user, with the user's own kubeconfig and permissions, and calls the core for every
judgement. What it prints is made by pure functions, apart from input and output.
"""
