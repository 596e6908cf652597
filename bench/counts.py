"""How many writes the API server has accepted, by verb and resource, as its own metrics say."""

import re
from collections.abc import Mapping

from bench.api import Api
from rig import Rig

COUNTED = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
WRITES = ("POST", "PUT", "PATCH", "APPLY", "DELETE")
OTHERS = {
    "PATCH modelversions",
    "POST events (core)",
    "PATCH events (core)",
    "PUT deployments",
    "PUT deployments/status",
    "POST leases",
    "PUT leases",
    "PATCH leases",
    "PATCH nodes",
    "PATCH nodes/status",
    "PUT nodes/status",
}
"""Writes of users, of the controllers of Kubernetes, of leader election and of nodes."""
NOT_OURS = ("replicasets", "pods", "serviceaccounts")
REVIEWS = "reviews"
"""What the names of resources end with of which nothing is stored, such as `selfsubjectaccessreviews`."""
Counts = Mapping[str, float]


def written(rig: Rig) -> Counts:
    """Return the number of accepted writes so far, such as `APPLY deployments`; dry runs are none."""
    found: dict[str, float] = {}
    for labels, value in COUNTED.findall(Api(rig).text("GET", "/metrics")):
        known = dict(LABEL.findall(labels))
        if known["verb"] in WRITES and known["code"].startswith("2") and not known["dry_run"]:
            part = f"/{known['subresource']}" if known["subresource"] else ""
            # The controllers of Kubernetes use the older of the two APIs of Events.
            old = " (core)" if (known["group"], known["resource"]) == ("", "events") else ""
            what = f"{known['verb']} {known['resource']}{part}{old}"
            found[what] = found.get(what, 0) + float(value)
    return found


def by_the_operator(before: Counts, after: Counts) -> Counts:
    """Return the writes in between that are the operator's, as far as verb and resource tell."""
    new = {what: number - before.get(what, 0) for what, number in after.items()}
    return {what: number for what, number in sorted(new.items()) if number and _is_ours(what)}


def _is_ours(what: str) -> bool:
    resource = what.partition(" ")[2].partition("/")[0]
    return what not in OTHERS and resource not in NOT_OURS and not resource.endswith(REVIEWS)
