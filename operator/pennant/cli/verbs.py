"""The table of verbs: which module holds which, and its line in `--help`. Nothing else is imported to show it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VerbEntry:
    """One verb of the command line."""

    module: str
    """The module below `pennant.cli`, whose function `command` is the click command."""
    summary: str
    """The line in `--help`."""


VERBS: dict[str, VerbEntry] = {
    "get": VerbEntry("get", "Show a ModelDeployment with its revisions, pods, metrics and conditions as a tree"),
    "history": VerbEntry("history", "View the rollout history"),
    "status": VerbEntry("status", "Show the status of the rollout and wait for its end"),
    "undo": VerbEntry("undo", "Undo to an earlier revision"),
    "pause": VerbEntry("pause", "Pause rollouts and rollbacks"),
    "resume": VerbEntry("resume", "Resume rollouts and rollbacks"),
    "restart": VerbEntry("restart", "Restart all pods"),
    "promote": VerbEntry("promote", "Move a tag to a version"),
    "retry": VerbEntry("retry", "Release a quarantined version"),
    "versions": VerbEntry("versions", "List the versions of a model"),
    "why": VerbEntry("why", "Explain what blocks a rollout and what the operator does next"),
    "compare": VerbEntry("compare", "Compare two versions"),
    "audit": VerbEntry("audit", "Tell which version served when, and why"),
    "lint": VerbEntry("lint", "Check manifests offline"),
    "dashboard": VerbEntry("dashboard.verb", "Show ModelDeployments on a local web page"),
}
