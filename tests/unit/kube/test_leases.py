"""The watch of a Lease, against a server that sends what no API server should."""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from pennant.kube.leases import Leases
from pennant.ports import Unavailable
from unit.kube.api_server import Answers, a_connection, serving


@pytest.mark.parametrize(
    "event",
    [
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}},
        {"type": "MODIFIED", "object": None},
        {"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "8", "uid": "u"}, "spec": {"renewTime": "x"}}},
        {},
    ],
    ids=["bookmark", "no object", "no time", "nothing"],
)
async def test_an_event_that_is_no_lease_is_an_error_of_the_port(
    answers: Answers, tmp_path: Path, event: dict[str, Any]
) -> None:
    answers.text(json.dumps(event))
    async with serving(answers) as url, Leases(a_connection(tmp_path, url), "default", "pennant") as leases:
        with pytest.raises(Unavailable, match="no Lease"):
            async with aclosing(leases.changes("7")) as changes:
                await anext(changes)
