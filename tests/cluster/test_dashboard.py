"""The dashboard in a real browser, over what the simulated operator leaves: keys, narrow screens, colours, updates.

No control plane is needed: what the pages show of a real one is tested elsewhere.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from aiohttp import web

from pennant.cli.dashboard.feed import Feed
from pennant.cli.dashboard.pages import Scope
from pennant.cli.dashboard.server import ADDRESS, Server
from pennant.core.facts.observation import Key, Snapshot
from pennant.ports import PortError, Unavailable
from rig.page import Page, opened
from unit.cli.dashboard_states import STATES, named, rolled_back, rolling_out, verified

FRAUD = Key("default", "fraud")
SCORE = Key("default", "score")


@dataclass
class Cluster:
    """What the dashboard reads; a test changes it."""

    found: dict[Key, Snapshot] = field(default_factory=dict)
    error: PortError | None = None

    async def snapshot(self, key: Key) -> Snapshot | None:
        if self.error is not None:
            raise self.error
        return self.found.get(key)

    async def snapshots(self, namespace: str) -> tuple[Snapshot, ...]:
        if self.error is not None:
            raise self.error
        return tuple(sorted(self.found.values(), key=lambda each: each.key))

    alone = snapshot


@dataclass
class Dashboard:
    """A running dashboard, and the cluster behind it."""

    cluster: Cluster
    port: int = 0
    runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}/"

    def page_of(self, key: Key) -> str:
        return f"{self.url}namespaces/{key.namespace}/{key.name}"

    async def start(self) -> None:
        feed = Feed(self.cluster, "default", "https://cluster")
        self.runner = web.AppRunner(Server(feed, Scope("default", "kind-prod")).app(), access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, ADDRESS, self.port).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()


@pytest.fixture
async def dashboard() -> AsyncIterator[Dashboard]:
    """Serve a ModelDeployment that was rolled back and one on its way."""
    cluster = Cluster({FRAUD: named(await rolled_back(), "fraud"), SCORE: named(await rolling_out(), "score")})
    running = Dashboard(cluster)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with opened() as made:
        yield made
        assert not made.messages, "the page has errors, or its own policy blocks a part of it"


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.id"))


async def reached(page: Page, element: str, most: int = 20) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        if await focused(page) == element:
            return
        await page.press("Tab")
    raise AssertionError(f"{element} is not reached by Tab")


async def test_the_keyboard_alone_leads_through_the_pages(page: Page, dashboard: Dashboard) -> None:
    await page.goto(dashboard.url)
    await page.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await reached(page, "row-default-fraud")
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.press("Enter")
    await page.until(f"location.href === '{dashboard.page_of(FRAUD)}' && document.readyState === 'complete'")
    assert await page.evaluate("document.title") == "fraud: Rolled back · Pennant"
    await reached(page, "summary-3")
    await page.press("Enter")
    assert await page.evaluate("document.getElementById('revision-3').open")
    assert "0.712" in await page.evaluate("document.getElementById('revision-3').innerText")
    await reached(page, "back", most=40)
    await page.press("Enter")
    await page.until(f"location.href === '{dashboard.url}'")


async def test_a_phone_shows_everything_without_scrolling_sideways(page: Page, dashboard: Dashboard) -> None:
    dashboard.cluster.found = {Key("default", name): named(await make(), name) for name, make in STATES.items()}
    long = Key("default", "a-model-deployment-with-the-longest-name-that-kubernetes-accepts")
    dashboard.cluster.found[long] = named(await rolled_back(), long.name)
    await page.resize(360, 740)
    for url in (dashboard.url, f"{dashboard.url}nowhere", *(dashboard.page_of(key) for key in dashboard.cluster.found)):
        await page.goto(url)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360, url
        sticks_out = (
            "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 361).length"
        )
        assert await page.evaluate(sticks_out) == 0, url


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read_in_light_and_in_dark(page: Page, dashboard: Dashboard, scheme: str) -> None:
    await page.prefer(scheme)
    for url in (dashboard.url, dashboard.page_of(FRAUD), dashboard.page_of(SCORE)):
        await page.goto(url)
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(_rgb(background)) < 3 * 64) is (scheme == "dark")
        for text, colour, behind in await page.evaluate(TEXTS):
            assert _contrast(_rgb(colour), _rgb(behind)) >= 4.5, f"{text!r}: {colour} on {behind}"


async def test_the_page_updates_by_itself_and_keeps_focus_scroll_and_what_is_open(
    page: Page, dashboard: Dashboard
) -> None:
    dashboard.cluster.found[FRAUD] = named(await rolling_out(), "fraud")
    await page.resize(1280, 500)
    await page.goto(dashboard.page_of(FRAUD))
    assert await page.evaluate("document.title") == "fraud: Rolling out · Pennant"
    await reached(page, "summary-1")
    await page.press("Enter")
    await page.evaluate("scrollTo(0, 300); document.getElementById('pair').marked = true")
    dashboard.cluster.found[FRAUD] = named(await verified(), "fraud")
    await page.until("document.title === 'fraud: Verified · Pennant'")
    assert "1.1.0" in await page.evaluate("document.querySelector('.big').textContent")
    assert await focused(page) == "summary-1"
    assert await page.evaluate("document.getElementById('revision-1').open")
    assert await page.evaluate("scrollY") == 300
    assert await page.evaluate("document.getElementById('spoken').textContent") == "fraud: Verified, 1.1.0 serves"


async def test_what_did_not_change_is_left_as_it_is(page: Page, dashboard: Dashboard) -> None:
    await page.goto(dashboard.page_of(FRAUD))
    await page.evaluate("for (const each of document.getElementById('main').children) each.marked = true")
    before = dashboard.cluster.found[FRAUD]
    status = before.status.model_copy(update={"ready_replicas": 2})
    dashboard.cluster.found[FRAUD] = replace(before, status=status)
    await page.until("document.getElementById('now').innerText.includes('2 of 3')")
    changed = "[...document.getElementById('main').children].filter(e => !e.marked).map(e => e.id)"
    assert await page.evaluate(changed) == ["now"]


async def test_the_page_recovers_when_the_cluster_answers_again(page: Page, dashboard: Dashboard) -> None:
    dashboard.cluster.error = Unavailable("the API server does not answer: refused")
    await page.goto(dashboard.url)
    assert "Is the address right?" in await page.evaluate("document.body.innerText")
    dashboard.cluster.error = None
    await page.until("document.getElementById('row-default-fraud')")
    dashboard.cluster.error = Unavailable("the API server does not answer: refused")
    await page.until("document.body.innerText.includes('Not up to date.')")
    assert await page.evaluate("Boolean(document.getElementById('row-default-fraud'))")
    dashboard.cluster.error = None
    await page.until("!document.body.innerText.includes('Not up to date.')")


async def test_the_page_recovers_when_the_dashboard_is_started_again(page: Page, dashboard: Dashboard) -> None:
    await page.goto(dashboard.url)
    await dashboard.stop()
    await page.until("document.getElementById('link').textContent.includes('has stopped')")
    await dashboard.start()
    dashboard.cluster.found[FRAUD] = named(await verified(), "fraud")
    await page.until("document.getElementById('link').textContent === 'Live'")
    await page.until("document.getElementById('row-default-fraud').innerText.includes('Verified')")


STICKING_OUT = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 361).length"
TEXTS = """
[...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility())
  .filter((e) => !e.closest(".spoken, .skip, svg, title"))
  .map((e) => {
    let behind = e;
    while (behind.parentElement && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)")
      behind = behind.parentElement;
    return [e.textContent.trim().slice(0, 40), getComputedStyle(e).color, getComputedStyle(behind).backgroundColor];
  })
"""
"""Each visible text of a page with its colour and that of what is behind it."""


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (float(each) for each in colour.removeprefix("rgb(").removesuffix(")").split(","))
    return red, green, blue


def _luminance(colour: tuple[float, float, float]) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    shares = (each / 255 for each in colour)
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)
