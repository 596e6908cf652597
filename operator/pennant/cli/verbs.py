"""The verbs, each with its line in `--help`. The command of a verb is in `pennant.cli.commands`."""

VERBS: dict[str, str] = {
    "get": "Show a ModelDeployment with its revisions, pods, metrics and conditions as a tree",
    "history": "View the rollout history",
    "status": "Show the status of the rollout and wait for its end",
    "undo": "Undo to an earlier revision",
    "pause": "Pause rollouts and rollbacks",
    "resume": "Resume rollouts and rollbacks",
    "restart": "Restart all pods",
    "promote": "Move a tag to a version",
    "register": "Register a new version of a model",
    "retry": "Release a quarantined version",
    "versions": "List the versions of a model",
    "why": "Explain what blocks a rollout and what the operator does next",
    "compare": "Compare two versions",
    "import": "Import versions of another registry",
    "adopt": "Write manifests that serve what a Deployment serves",
    "audit": "Tell which version served when, and why",
    "export": "Write the history of a ModelDeployment to a file",
    "restore": "Create what an export describes",
    "lint": "Check manifests offline",
    "dashboard": "Show ModelDeployments on a local web page",
}
