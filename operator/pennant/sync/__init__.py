"""`pennant sync`: takes the versions of registries over continuously, as a process of its own beside the operator."""
