"""The result of `audit --verify` as text, as JSON and as CSV."""

from typing import Any

from pennant.cli import output
from pennant.cli.auditing.chain import Chain
from pennant.cli.auditing.words import csv_text

KEYLESS = (
    "The hashes have no key: a user who can write the status and all ControllerRevisions can forge a history with "
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
    wrongs = [f"{wrong} of {len(chain.links)} revisions are missing or changed"] if wrong else []
    if count := len(chain.documents):
        wrongs.append(f"{count} document{'' if count == 1 else 's'} of the archive cannot be used as found")
    result = "intact" if chain.intact else f"not intact: {'; '.join(wrongs)}"
    table = (output.table(("REVISION", "VERSION", "STATE", "PROBLEM"), rows, width),) if rows else ()
    hashes = (f"Newest hash: revision {newest.revision} {newest.hash}",) if newest is not None else ()
    return "\n".join(
        (
            output.folded(f"{output.full_name(name)}: {result}", width),
            *table,
            "",
            output.folded("\n".join((*chain.documents, *hashes, *chain.notes, KEYLESS)), width),
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
    return {**whole, "intact": chain.intact, "documents": list(chain.documents), "notes": [*chain.notes, KEYLESS]}


def chain_csv(chain: Chain) -> str:
    """Return the result of `--verify` as CSV."""
    rows = [
        (str(each.revision), each.version, each.hash, each.state.value, "; ".join(each.problems))
        for each in chain.links
    ]
    rows += [("", "", "", "document", each) for each in chain.documents]
    return csv_text(("revision", "version", "hash", "state", "problems"), rows)
