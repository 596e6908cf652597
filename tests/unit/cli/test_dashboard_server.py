"""The server of the dashboard: whom it answers, how often it reads, and what it says when it cannot."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from pennant.cli.dashboard import feed
from pennant.cli.dashboard.feed import Feed
from pennant.cli.dashboard.pages import Scope
from pennant.cli.dashboard.server import ADDRESS, Server
from pennant.cli.dashboard.verb import serve
from pennant.cli.errors import CliError
from pennant.cli.options import ClusterOptions
from pennant.core.facts.observation import Key, Snapshot
from pennant.kube.http.errors import Forbidden, NotServed
from pennant.ports import PortError, Unavailable
from unit.core.builders import a_snapshot
from unit.kube.api_server import Routes, serving
from unit.kube.raw import raw_deployment

FRAUD = "/namespaces/default/fraud"
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
clusters: [{{name: test, cluster: {{server: "{server}"}}}}]
users: [{{name: test, user: {{}}}}]
"""
Client = TestClient[web.Request, web.Application]


@dataclass
class Cluster:
    """A fake cluster, and what was read of it."""

    found: dict[Key, Snapshot] = field(default_factory=dict)
    error: PortError | None = None
    denied: Forbidden | None = None
    """Raised by what needs more than the ModelDeployment itself."""
    reads: list[str] = field(default_factory=list)

    async def snapshot(self, key: Key) -> Snapshot | None:
        if self.denied is not None:
            raise self.denied
        return await self.alone(key)

    async def snapshots(self, namespace: str) -> tuple[Snapshot, ...]:
        self._read(f"list {namespace}")
        return tuple(self.found.values())

    async def alone(self, key: Key) -> Snapshot | None:
        self._read(f"get {key}")
        return self.found.get(key)

    def _read(self, what: str) -> None:
        self.reads.append(what)
        if self.error is not None:
            raise self.error


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(feed, "monotonic", made)
    return made


@pytest.fixture
def cluster(clock: Clock) -> Cluster:
    fraud = a_snapshot("fraud")
    return Cluster({fraud.key: fraud})


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[Client]:
    app = Server(Feed(cluster, "default", "https://cluster"), Scope("default", "kind-prod")).app()
    async with TestClient(TestServer(app, host=ADDRESS)) as made:
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:8080", "LOCALHOST:3100"])
async def test_it_answers_for_this_machine(client: Client, host: str) -> None:
    async with client.get("/", headers={"Host": host}) as answer:
        assert answer.status == 200
        assert "fraud" in await answer.text()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3100", "10.0.0.7", "a@b", "[", ""]
)
async def test_it_refuses_another_host(client: Client, cluster: Cluster, host: str) -> None:
    for path in ("/", FRAUD, "/static/page.js", "/nowhere"):
        async with client.get(path, headers={"Host": host}) as answer:
            assert answer.status in (400, 421)
            assert "fraud" not in await answer.text()
    assert not cluster.reads


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_it_only_answers_get(client: Client, cluster: Cluster, method: str) -> None:
    for path in ("/", FRAUD, "/static/page.js", "/nowhere"):
        async with client.request(method, path) as answer:
            assert answer.status == 405
            assert answer.headers["Allow"] == "GET"
    assert not cluster.reads


@pytest.mark.parametrize("path", ["/", FRAUD, "/static/style.css", "/static/none", "/nowhere", "/namespaces/other/x"])
async def test_every_answer_has_the_headers_that_protect_it(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_page_needs_nothing_from_elsewhere(client: Client) -> None:
    async with client.get(FRAUD) as answer:
        page = await answer.text()
    assert "://" not in page
    assert "style=" not in page
    for path in ("/static/style.css", "/static/page.js", "/static/icon.svg"):
        assert path in page
        async with client.get(path) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["/static/../verb.py", "/static/%2e%2e/verb.py", "/static/..%2fverb.py"])
async def test_only_its_own_files_are_served(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 404


async def test_a_page_that_did_not_change_is_not_sent_again(client: Client, cluster: Cluster, clock: Clock) -> None:
    async with client.get(FRAUD) as answer:
        tag = answer.headers["ETag"]
    async with client.get(FRAUD, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
        assert not await answer.text()
    key = Key("default", "fraud")
    cluster.found[key] = a_snapshot("fraud", deleting=True)
    clock.seconds += 2
    async with client.get(FRAUD, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert "Being deleted" in await answer.text()


async def test_it_reads_at_most_every_two_seconds_and_only_when_asked(
    client: Client, cluster: Cluster, clock: Clock
) -> None:
    clock.seconds += 60
    assert not cluster.reads
    for _ in range(5):
        async with client.get(FRAUD):
            clock.seconds += 0.39
    assert cluster.reads == ["get default/fraud"]
    clock.seconds += 0.1
    async with client.get(FRAUD):
        pass
    assert cluster.reads == ["get default/fraud"] * 2


async def test_after_a_failure_the_last_page_stays_and_it_recovers(
    client: Client, cluster: Cluster, clock: Clock
) -> None:
    async with client.get("/") as answer:
        assert answer.status == 200
    cluster.error = Unavailable("the API server does not answer: refused")
    clock.seconds += 2
    async with client.get("/") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "Not up to date." in page
        assert "The server at https://cluster does not answer: refused. Is the address right?" in page
        assert "fraud" in page
    cluster.error = None
    clock.seconds += 2
    async with client.get("/") as answer:
        assert "Not up to date." not in await answer.text()


@pytest.mark.parametrize("path", ["/", FRAUD])
async def test_without_anything_to_show_the_page_says_what_to_do(
    client: Client, cluster: Cluster, clock: Clock, path: str
) -> None:
    cluster.error = NotServed("ModelDeployment is not served")
    async with client.get(path) as answer:
        assert answer.status == 502
        page = await answer.text()
    assert "Install Pennant&#39;s CustomResourceDefinitions" in page
    assert "tries again" in page
    cluster.error = None
    clock.seconds += 2
    async with client.get(path) as answer:
        assert answer.status == 200


async def test_a_missing_permission_leaves_the_deployment(client: Client, cluster: Cluster) -> None:
    cluster.denied = Forbidden("permission is missing: list controllerrevisions.apps in namespace default")
    async with client.get(FRAUD) as answer:
        page = await answer.text()
        assert answer.status == 200
    assert "list controllerrevisions.apps" in page
    assert "Ask an administrator" in page


async def test_what_does_not_exist_is_not_found(client: Client, cluster: Cluster) -> None:
    for path in ("/namespaces/default/none", "/nowhere", "/namespaces/default"):
        async with client.get(path) as answer:
            assert answer.status == 404
            assert "All ModelDeployments" in await answer.text()


async def test_another_namespace_is_not_read(client: Client, cluster: Cluster) -> None:
    async with client.get("/namespaces/other/fraud") as answer:
        assert answer.status == 404
        assert "Start it with -n other or -A." in await answer.text()
    assert not cluster.reads


async def test_pages_that_nobody_looks_at_are_forgotten(client: Client, cluster: Cluster, clock: Clock) -> None:
    found = Feed(cluster, "", "https://cluster")
    for number in range(feed.MAX_PAGES + 1):
        await found.single(Key("default", f"fraud-{number}"))
    assert len(cluster.reads) == feed.MAX_PAGES + 1
    await found.single(Key("default", "fraud-1"))
    assert len(cluster.reads) == feed.MAX_PAGES + 1
    await found.single(Key("default", "fraud-0"))
    assert len(cluster.reads) == feed.MAX_PAGES + 2


async def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(client: Client) -> None:
    class NoSession:
        server = "https://cluster"

    with pytest.raises(CliError, match="choose another port with --port"):
        await serve(NoSession(), ClusterOptions(None, None, None), "default", client.port, False)  # type: ignore[arg-type]


async def test_the_verb_serves_what_the_api_server_has_until_it_is_interrupted(tmp_path: Path) -> None:
    routes = Routes()
    group = "/apis/pennant.dev/v1alpha1/namespaces/default"
    empty: dict[str, object] = {"metadata": {}, "items": []}
    fraud = raw_deployment()
    routes.json(f"{group}/modeldeployments", {"metadata": {}, "items": [fraud]})
    routes.json(f"{group}/modeldeployments/fraud", fraud)
    routes.json(f"{group}/modelversions", empty)
    routes.json("/apis/apps/v1/namespaces/default/controllerrevisions", empty)
    routes.status("/apis/apps/v1/namespaces/default/deployments/fraud", 404, "not found")
    async with serving(routes) as api_server, ClientSession() as session:
        config = tmp_path / "config"
        config.write_text(KUBECONFIG.format(server=api_server))
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "pennant",
                "dashboard",
                "--kubeconfig",
                str(config),
                "-n",
                "default",
                "--port",
                "0",
            ),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode()
        assert said.startswith(
            f"Pennant dashboard for namespace default of {api_server} is available at http://127.0.0.1:"
        )
        url = said.split()[-1]
        for path in ("", "namespaces/default/fraud"):
            async with session.get(url + path) as answer:
                assert answer.status == 200
                assert "fraud" in await answer.text()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    asked = {path for path, _ in routes.asked}
    assert asked == routes.replies.keys()
