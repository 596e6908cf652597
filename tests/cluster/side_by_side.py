"""`kubectl rollout` on a Deployment beside `kubectl pennant` on a ModelDeployment, in the same states.

docs/command-line.md has a table with a row for each state. What both sides print is compared with it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cluster.plugin import SECONDS, command, environment
from cluster.scenario import SERVER, Scenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"
HEADER = "| state | `kubectl rollout` | exit | `kubectl pennant` | exit |"
States = Mapping[str, tuple[str, str]]
"""What a user gives on both sides, by the name of a state."""
LONGEST = 130
"""Characters of an output in the table."""


class SideBySide:
    """A ModelDeployment `fraud` and a Deployment `web` in one namespace, and what was seen of both."""

    def __init__(self, scenario: Scenario, states: States) -> None:
        self._scenario, self._states = scenario, states
        self._rows: list[str] = []

    def deploy(self, version: str, deadline_seconds: int = 120) -> None:
        """Apply the Deployment `web` with a model server that has this name in the directory of the scenario."""
        probe = {"httpGet": {"path": "/readyz", "port": 8080}, "periodSeconds": 1}
        container = {
            "name": "server",
            "image": "pennant.test/model-server:1",
            "command": [sys.executable, str(SERVER), "$(POD_IP)", f"{self._scenario.directory}/{version}"],
            "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
            "readinessProbe": probe,
        }
        labels = {"app": "web"}
        spec = {
            "replicas": 1,
            "progressDeadlineSeconds": deadline_seconds,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        }
        manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
        self._scenario.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))

    def native(self, *args: str) -> tuple[int, str]:
        """Run `kubectl rollout ARGS`; return its exit code and what it printed."""
        return _run(self._scenario, self.native_command(*args))

    def native_command(self, *args: str) -> list[str]:
        """Return `kubectl rollout ARGS` for the namespace of the scenario."""
        return [str(self._scenario.rig.binary("kubectl")), "rollout", *args, "-n", self._scenario.namespace]

    def see(self, state: str, line: int = 0) -> None:
        """Run what users give in this state on both sides, and keep the error, or this line of what is printed."""
        native, pennant = self._states[state]
        ours = _run(self._scenario, command(self._scenario, *pennant.split()))
        self.keep(state, self.native(*native.split()), ours, line)

    def keep(self, state: str, native: tuple[int, str], pennant: tuple[int, str], line: int = 0) -> None:
        """Keep the exit codes and outputs of both sides in this state."""
        sides = zip(self._states[state], (native, pennant), strict=True)
        cells = [f"`{given}`: {self._cell(printed, line)} | {code}" for given, (code, printed) in sides]
        self._rows.append(f"| {state} | {' | '.join(cells)} |")

    def _cell(self, printed: str, number: int) -> str:
        lines = printed.splitlines()
        line = next((each for each in lines if each.lower().startswith("error")), lines[number])
        line = " ".join(line.split()).replace(self._scenario.namespace, "shop")
        return f"`{line}`" if len(line) <= LONGEST else f"`{line[:LONGEST].rpartition(' ')[0]}` …"

    def assert_documented(self) -> None:
        """Fail where a state was not seen, or where docs/command-line.md says something else of one."""
        seen = [row.split("|")[1].strip() for row in self._rows]
        assert sorted(seen) == sorted(self._states)
        missing = [row for row in self._rows if row not in documented()]
        assert not missing, "not in docs/command-line.md:\n" + "\n".join(missing)


def documented() -> list[str]:
    """Return the rows of the table in docs/command-line.md."""
    _, _, after = DOCUMENT.read_text().partition(HEADER)
    found = re.match(r"\n\|[-|]+\n((?:\|.*\n)*)", after)
    return found[1].splitlines() if found else []


def _run(scenario: Scenario, words: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        words, env=environment(scenario), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.returncode, done.stdout + done.stderr
