"""The result of `audit --verify` as text, as JSON and as CSV."""

from typing import Any

from pennant.cli import output
from pennant.cli.auditing.chain import Chain
from pennant.cli.auditing.words import csv_text

KEYLESS = (
    "The hashes have no key: whoever can write the status and all ControllerRevisions can forge a history with "
    "matching hashes. Compare the newest hash with the one in the operator's log (`Revision recorded`)."
)


def chain_text(name: str, chain: Chain, width: int | None = None) -> str:
    """Return the result of `--verify` as text for a terminal of this width."""
    newest = chain.newest
    if newest is None and chain.intact:
        return f"{output.full_name(name)}: no history is recorded"
    rows = [
        (str(each.revision), each.version or output.NONE, each.state.value, "; ".join(each.problems) or output.NONE)
        for each in chain.links
    ]
    wrong = sum(bool(each.problems) for each in chain.links)
    result = "intact" if chain.intact else f"not intact: {wrong} of {len(chain.links)} revisions are missing or changed"
    hashes = (f"Newest hash: revision {newest.revision} {newest.hash}",) if newest is not None else ()
    return "\n".join(
        (
            output.folded(f"{output.full_name(name)}: {result}", width),
            output.table(("REVISION", "VERSION", "STATE", "PROBLEM"), rows, width),
            "",
            output.folded("\n".join((*hashes, *chain.notes, KEYLESS)), width),
        )
    )


def chain_json(name: str, namespace: str, chain: Chain) -> dict[str, Any]:
    """Return the result of `--verify` for programs."""
    items = [
        {
            "revision": each.revision,
            "version": each.version,
            "hash": each.hash,
            "state": each.state.value,
            "problems": list(each.problems),
        }
        for each in chain.links
    ]
    whole = output.wrapped("HistoryVerification", items, name=name, namespace=namespace)
    return {**whole, "intact": chain.intact, "notes": [*chain.notes, KEYLESS]}


def chain_csv(chain: Chain) -> str:
    """Return the result of `--verify` as CSV."""
    rows = [
        (str(each.revision), each.version, each.hash, each.state.value, "; ".join(each.problems))
        for each in chain.links
    ]
    return csv_text(("revision", "version", "hash", "state", "problems"), rows)
