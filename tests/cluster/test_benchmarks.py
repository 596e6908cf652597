"""The benchmarks run: their smallest sizes, and no figure is judged, because a test does not measure time."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 240


def test_a_benchmark_prints_its_figures_with_their_floors_and_goals() -> None:
    words = ["storm", "--quick", "--size", "deployments=3", "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], capture_output=True, text=True, cwd=ROOT, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["scenarios"]
    assert (found["name"], found["sizes"], found.get("ended")) == ("storm", {"deployments": 3}, None)
    figures = {each["name"]: each for each in found["figures"]}
    last = figures["until the last one is served, beside the moves and bare writes"]
    assert last["ratio"] == last["value"] / last["floor"]
    assert last["goal"]["verdict"] in ("met", "missed")
    # What one promotion cannot do without.
    for write in ("POST controllerrevisions", "APPLY deployments"):
        assert figures[f"writes of a promotion in all: {write}"]["value"] == 1
    assert "all tags move" in done.stderr
