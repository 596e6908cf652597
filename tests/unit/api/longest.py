"""The longest value that a schema lets in: what an object may come to when every text is as long as it may be."""

from typing import Any

from pennant.api.crd import crds
from pennant.api.deployment_status import ModelDeploymentStatus
from pennant.api.history import Outcome, Trigger
from pennant.api.meta import (
    LABEL_PATTERN,
    LABEL_VALUE_PATTERN,
    LAST_REVISION,
    SUBDOMAIN_PATTERN,
    VERSION_PATTERN,
    WORD_PATTERN,
)
from pennant.api.reasons import Reason
from pennant.core.rollout.history import thinned

Node = dict[str, Any]
MOMENT = "2026-11-26T12:00:00.000Z"
LARGEST_NUMBER = 2**31 - 1
HASHES = ("digest", "templateHash", "dataHash", "previousHash", "hash")
BEGINNINGS = dict.fromkeys(
    ("", LABEL_PATTERN, LABEL_VALUE_PATTERN, SUBDOMAIN_PATTERN, VERSION_PATTERN, WORD_PATTERN), ""
)


def longest(node: Node, filler: str, number: int = 0) -> Any:
    """Return a value with all fields and items of the schema; free texts consist of the filler.

    `number` tells the items of a list apart.
    """
    match node:
        case {"type": "object", "properties": properties}:
            return {name: longest(each, filler, number) for name, each in properties.items()}
        case {"type": "array", "items": items, "maxItems": most}:
            return [longest(items, filler, index) for index in range(most)]
        case {"enum": words}:
            return max(words, key=len)
        case {"format": "date-time"}:
            return MOMENT
        case {"type": "string", "maxLength": most}:
            pattern = node.get("pattern", "")
            beginning, ending = BEGINNINGS[pattern], f"{number:x}"
            middle = "a" if pattern else filler
            return beginning + middle * (most - len(beginning) - len(ending)) + ending
        case {"type": "integer" | "boolean" as kind}:
            return node.get("maximum", LARGEST_NUMBER) if kind == "integer" else False
    raise ValueError(f"the schema says nothing of the length of {node}")


def schema_of(kinds: str) -> Node:
    """Return the schema of the status of these objects."""
    schema: Node = crds()[f"{kinds}.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    return schema


def longest_status(filler: str) -> ModelDeploymentStatus:
    """Return the status of a hundred revisions, each with its entry, and with the evidence of all metrics of a spec.

    Measurements are numbers and names, and hashes hexadecimal digits, so their texts are ASCII.
    """
    schema = schema_of("modeldeployments")
    raw, plain = longest(schema, filler), longest(schema, "a")
    for number, entry in enumerate(raw["history"]):
        entry |= {name: plain["history"][number][name] for name in ("evidence", *HASHES)}
        entry |= {"revision": LAST_REVISION - 200 + number}
        entry |= {"trigger": max(Trigger, key=len), "outcome": max(Outcome, key=len)}
    for each in (*raw["quarantine"], *raw["analysis"], raw["progress"]):
        each["reason"] = max(Reason, key=len)
    status = ModelDeploymentStatus.model_validate(raw | {"olderRevisions": []})
    return status.model_copy(update={"history": thinned(status.history)})
