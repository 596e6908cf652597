"""What the API server's answers about rights mean; that it is asked the right questions is shown on a real one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pennant.kube.access import lacking
from pennant.kube.http.client import Client
from pennant.kube.permissions import Right
from pennant.ports import Refused
from unit.kube.api_server import Answers, a_connection, serving

STATUS = Right("team", "modelversions/status", "pennant.dev", "patch")


@pytest.fixture
async def client(answers: Answers, tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(answers) as server, Client(a_connection(tmp_path, server, token="t")) as opened:
        yield opened


@pytest.mark.parametrize(("allowed", "missing"), [(True, []), (False, [STATUS])])
async def test_what_is_not_allowed_is_lacking(
    client: Client, answers: Answers, allowed: bool, missing: list[Right]
) -> None:
    answers.json({"status": {"allowed": allowed}})
    assert await lacking(client, [STATUS]) == missing
    (asked,) = answers.asked
    assert asked.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    attributes = (await asked.json())["spec"]["resourceAttributes"]
    assert (attributes["resource"], attributes["subresource"]) == ("modelversions", "status")
    assert (attributes["namespace"], attributes["verb"]) == ("team", "patch")


async def test_who_may_not_even_ask_learns_that(client: Client, answers: Answers) -> None:
    answers.status(403, "selfsubjectaccessreviews.authorization.k8s.io is forbidden")
    with pytest.raises(Refused, match="forbidden"):
        await lacking(client, [STATUS])
