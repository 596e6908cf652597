"""A real MLflow server with a database of SQLite, which tests start, kill and start again, and its own client."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rig import registries
from rig.addresses import free_port

START_SECONDS = 90
CLIENT_SECONDS = 180
TRAINING = Path(__file__).with_name("mlflow_training.py")
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Workers for jobs would outlive the server.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
# MLflow refuses webhooks to http and to private addresses by default.
WEBHOOKS = {
    "_MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "_MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
}


class MlflowServer:
    """`mlflow server` on 127.0.0.1, in a group of processes of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--workers": "1",
            "--backend-store-uri": f"sqlite:///{self.directory}/mlflow.db",
            "--artifacts-destination": f"{self.directory}/artifacts",
        }
        command = [
            str(registries.python()),
            "-m",
            "mlflow",
            "server",
            *(word for each in options.items() for word in each),
        ]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=os.environ | QUIET | WEBHOOKS,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End the server and what it has started."""
        if self._process is not None:
            os.killpg(self._process.pid, number)
            self._process.wait(20)
            self._process = None

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text()[-4000:]

    def call(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Call MLflow's REST API, such as `registered-models/alias`."""
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code}: {error.read().decode()}") from error

    def alias(self, model: str, alias: str, version: str | None) -> None:
        """Set an alias, or delete it."""
        body = {"name": model, "alias": alias}
        if version is None:
            self.call("registered-models/alias", body, "DELETE")
        else:
            self.call("registered-models/alias", {**body, "version": version})

    def train(self, model: str, *, strength: float = 1.0) -> str:
        """Train a model and register it with MLflow's own client; return the number of the version."""
        done = subprocess.run(
            [str(registries.python()), str(TRAINING), model, str(strength)],
            env=os.environ | QUIET | {"MLFLOW_TRACKING_URI": self.url},
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    def copy(self, model: str, number: str) -> str:
        """Register the content of a version as a further one, which takes no training; return its number."""
        version = self.call(f"model-versions/get?name={model}&version={number}", method="GET")["model_version"]
        logged = version["source"].removeprefix("models:/")
        body = {"name": model, "source": version["source"], "run_id": version["run_id"], "model_id": logged}
        return str(self.call("model-versions/create", body)["model_version"]["version"])
