"""What a user may have meant by a verb that does not exist: a word of another tool, or a misspelling."""

import difflib
from collections.abc import Mapping

from pennant.cli.verbs import VERBS

OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "abort": ("undo",),
    "rollback": ("undo",),
    "revert": ("undo",),
    "list": ("get",),
    "ls": ("get",),
    "show": ("get",),
    "describe": ("get",),
    "tree": ("get",),
    "watch": ("get --watch", "status"),
    "wait": ("status",),
    "rollout": ("status", "history", "undo"),
    "unpause": ("resume",),
    "start": ("resume",),
    "stop": ("pause",),
    "suspend": ("pause",),
    "deploy": ("promote",),
    "release": ("promote", "retry"),
    "tag": ("promote",),
    "set": ("promote",),
    "unquarantine": ("retry",),
    "explain": ("why",),
    "events": ("why", "audit"),
    "log": ("audit", "history"),
    "diff": ("compare",),
    "convert": ("adopt",),
    "migrate": ("adopt",),
    "validate": ("lint",),
    "check": ("lint",),
    "verify": ("audit --verify", "status --for=verified"),
    "ui": ("dashboard",),
    "backup": ("export",),
    "dump": ("export",),
    "load": ("restore",),
    "version": ("versions", "--version"),
    "models": ("versions",),
}
"""Verbs of kubectl, Argo Rollouts, Helm and MLflow, and what does the same here."""
ELSEWHERE: Mapping[str, str] = {
    "logs": "kubectl logs -l pennant.dev/modeldeployment=NAME",
    "scale": "kubectl scale modeldeployment/NAME --replicas=N",
    "apply": "kubectl apply -f FILE",
    "create": "kubectl apply -f FILE",
    "edit": "kubectl edit modeldeployment NAME",
    "delete": "kubectl delete modeldeployment NAME",
    "annotate": "kubectl annotate modeldeployment NAME",
    "completion": "kubectl completion SHELL",
    "run": "python -m pennant run",
}
"""What is done without this command line."""


def unknown(word: str, program: str) -> str:
    """Return the error for a verb that does not exist, with what may have been meant."""
    said = f'unknown command "{word}" for "{program}"'
    if (command := ELSEWHERE.get(word)) is not None:
        return f"{said}; use `{command}`"
    nearest = difflib.get_close_matches(word, [*VERBS, *OTHER_WORDS], n=1)
    if not nearest:
        return said
    near = OTHER_WORDS.get(nearest[0], (nearest[0],))
    return f"{said}; did you mean {' or '.join(f'`{program} {each}`' for each in near)}?"
