"""The reconcile loop: observe, decide and act. It imports the protocols of `pennant.ports`, and no client."""
