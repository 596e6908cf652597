"""The pages of `kubectl pennant`, in a real browser, about a real operator on a real control plane."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.plugin import command, environment, kubectl_pennant
from cluster.scenario import Scenario
from rig.page import opened

METRICS = [
    {"name": "auc", "dataset": "holdout", "split": "Test", "direction": "Maximize", "value": "0.91"},
    {"name": "auc", "dataset": "holdout", "split": "Validation", "direction": "Maximize", "value": "0.93"},
]


@contextmanager
def dashboard(scenario: Scenario) -> Iterator[str]:
    """Run `kubectl pennant dashboard` on a free port, and yield its address."""
    words = command(scenario, "dashboard", "--port", "0")
    with subprocess.Popen(
        words, env=environment(scenario) | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            assert line.startswith(f"Pennant dashboard for namespace {scenario.namespace} of https://127.0.0.1:")
            yield line.split()[-1]
            running.terminate()
            assert running.wait(20) == 0, "it ends orderly on SIGTERM"
        finally:
            running.kill()


async def test_the_dashboard_shows_what_serves_and_follows_a_tag(serving: Scenario) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.version("1.1.0")
    with dashboard(serving) as url:
        async with opened() as page:
            await page.goto(url)
            await page.until("document.getElementById('rows').innerText.includes('1.0.0')")
            await page.goto(f"{url}namespaces/{serving.namespace}/fraud")
            assert await page.evaluate("document.title") == "fraud: Verified · Pennant"
            assert await page.evaluate("document.querySelector('.big').textContent") == "1.0.0"
            assert "0.95" in await page.evaluate("document.getElementById('metrics').innerText")
            await page.evaluate("window.opened = true")
            serving.move_tag("1.0.0", "1.1.0")
            await page.until("document.querySelector('.big').textContent === '1.1.0'", seconds=60)
            await page.until("document.title === 'fraud: Verified · Pennant'", seconds=60)
            assert await page.evaluate("window.opened"), "the page was not loaded anew"
            assert "0.97" in await page.evaluate("document.getElementById('metrics').innerText")
            assert not page.messages


async def test_the_page_of_a_comparison_needs_no_network(serving: Scenario, tmp_path: Path) -> None:
    serving.version("1.1.0", metrics=METRICS)
    serving.version("1.2.0", metrics=[{**each, "value": "0.95"} for each in METRICS])
    file = tmp_path / "page.html"
    done = kubectl_pennant(serving, "compare", "1.1.0", "1.2.0", "-o", "html", "--output-file", str(file))
    assert done == (0, "", ""), done
    async with opened() as page:
        await page.call("Network.enable")
        blocked = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        await page.call("Network.emulateNetworkConditions", **blocked)
        await page.goto(file.as_uri())
        asked = await page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
        assert [each for each in asked if not each.startswith("data:")] == []
        assert await page.evaluate("document.querySelectorAll('svg, img').length") > 0
        drawn = "[...document.querySelectorAll('svg, img')].every(e => e.getBoundingClientRect().width > 100)"
        assert await page.evaluate(drawn), "each plot is there"
        text = await page.evaluate("document.body.innerText")
        assert all(each in text for each in ("1.1.0", "1.2.0", "auc", "holdout", "Validation"))
        assert not page.messages
