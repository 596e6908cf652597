"""How users name the kinds that can be adopted. It imports nothing heavy: completion reads it."""

import difflib
from collections.abc import Mapping, Sequence

from pennant.cli.errors import CliError
from pennant.kube.http.resources import RESOURCES, Kind

SHORT: Mapping[Kind, str] = {
    Kind.DEPLOYMENT: "deploy",
    Kind.INFERENCE_SERVICE: "isvc",
    Kind.ROLLOUT: "ro",
    Kind.SELDON_DEPLOYMENT: "sdep",
}
"""The kinds that can be adopted, with their short names in kubectl."""
TOOLS: Mapping[Kind, str] = {
    Kind.INFERENCE_SERVICE: "KServe",
    Kind.SERVING_RUNTIME: "KServe",
    Kind.CLUSTER_SERVING_RUNTIME: "KServe",
    Kind.ROLLOUT: "Argo Rollouts",
    Kind.SELDON_DEPLOYMENT: "Seldon Core 1",
}
"""What serves the kinds that Kubernetes does not."""


def singular(kind: Kind) -> str:
    """Return the name of a kind in lower case, such as `inferenceservice`."""
    return kind.value.lower()


def full_name(kind: Kind, name: str) -> str:
    """Return the name of an object as kubectl prints it, such as `deployment.apps/fraud`."""
    group = RESOURCES[kind].group
    return f"{singular(kind)}{f'.{group}' if group else ''}/{name}"


def kinds_by_word() -> dict[str, Kind]:
    """Return each word that names a kind, as in kubectl: singular, plural, both with the group, and the short name."""
    found: dict[str, Kind] = {}
    for kind, short in SHORT.items():
        resource = RESOURCES[kind]
        plain = (singular(kind), resource.plural)
        found |= dict.fromkeys((short, *plain, *(f"{each}.{resource.group}" for each in plain)), kind)
    return found


def parsed(words: Sequence[str]) -> tuple[Kind, str]:
    """Return the kind and the name in `deployment/fraud` or `deployment fraud`; raises `CliError` for anything else."""
    kind, _, name = words[0].partition("/") if len(words) == 1 else (words[0], "/", words[1] if words[1:] else "")
    if len(words) > 2 or not name or "/" in name:
        raise CliError("name one object as KIND/NAME, such as deployment/fraud")
    known = kinds_by_word()
    if (found := known.get(kind.lower())) is not None:
        return found, name
    near = difflib.get_close_matches(kind.lower(), known, n=1)
    listed = ", ".join(singular(each) for each in SHORT)
    hint = f"did you mean {singular(known[near[0]])}/{name}?" if near else f"there are: {listed}"
    raise CliError(f'"{kind}" is no kind that can be adopted; {hint}')
