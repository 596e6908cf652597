"""From a server that runs already to a ModelVersion and a ModelDeployment that serve the same: `adopt`.

Each kind of object has a module that says it as a `Workload`; the others know no kind.
"""
