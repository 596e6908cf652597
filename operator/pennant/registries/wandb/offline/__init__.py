"""The files that W&B writes without a server."""
