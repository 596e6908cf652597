"""The Prometheus metrics of the operator: their definitions, and the values of those of ModelDeployments."""
