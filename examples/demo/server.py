"""A small model server: predictions, feedback, probes and metrics over HTTP.

`POST /v1/models/<name>:predict {"instances": [[...], ...]}` answers `{"predictions": [...]}` (the V1 inference
protocol of KServe). `POST /feedback {"predictions": [...], "labels": [...]}` counts how many were right.
"""

import argparse
import hashlib
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import skops.io
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

LARGEST_BODY_BYTES = 1 << 20
DRAIN_SECONDS = 1.5
"""Seconds for which it answers after SIGTERM, until clients have stopped sending requests to the pod."""


class WrongArtifact(Exception):
    """The artefact has another digest than the record."""


class Model:
    """A loaded model and what is counted about it."""

    def __init__(self, name: str, uri: str, digest: str) -> None:
        """Load the artefact; raises `WrongArtifact` if its digest differs."""
        path = Path(url2pathname(urlsplit(uri).path))
        actual = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        if actual != digest:
            raise WrongArtifact(f"{uri} has the digest {actual}, but the record says {digest}; refusing to serve it")
        self.name = name
        self._model = skops.io.load(path)
        self.registry = CollectorRegistry()
        self._predictions = Counter("model_predictions", "Rows that were predicted.", registry=self.registry)
        self._feedback = Counter(
            "model_feedback", "Predictions whose label arrived, by outcome.", ("outcome",), registry=self.registry
        )
        for outcome in ("correct", "incorrect"):
            self._feedback.labels(outcome)
        self.latency = Histogram(
            "model_request_duration_seconds",
            "Time of one prediction request.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5),
            registry=self.registry,
        )

    def predict(self, instances: list[list[float]]) -> list[int]:
        """Return the digit in each image."""
        with self.latency.time():
            predicted = [int(each) for each in self._model.predict(instances)]
        self._predictions.inc(len(predicted))
        return predicted

    def learn(self, predictions: list[int], labels: list[int]) -> None:
        """Count how many predictions were right."""
        right = sum(predicted == label for predicted, label in zip(predictions, labels, strict=True))
        self._feedback.labels("correct").inc(right)
        self._feedback.labels("incorrect").inc(len(labels) - right)


class Handler(BaseHTTPRequestHandler):
    """Answers for one model."""

    protocol_version = "HTTP/1.1"
    model: Model

    def do_GET(self) -> None:
        """Answer probes and the scraper."""
        if self.path == "/metrics":
            self._answer(200, generate_latest(self.model.registry), "text/plain; version=0.0.4")
        elif self.path in ("/readyz", "/livez"):
            self._answer(200, b"ok\n", "text/plain")
        else:
            self._fail(404, f"no such path; there are /v1/models/{self.model.name}:predict and /feedback")

    def do_POST(self) -> None:
        """Answer predictions and feedback."""
        try:
            body = self._body()
            if self.path == f"/v1/models/{self.model.name}:predict":
                self._json(200, {"predictions": self.model.predict(body["instances"])})
            elif self.path == "/feedback":
                self.model.learn(body["predictions"], body["labels"])
                self._json(200, {})
            else:
                self._fail(404, "no such path")
        except (KeyError, TypeError, ValueError) as error:
            self._fail(400, f"the request cannot be read: {error}")

    def log_message(self, *_: object) -> None:
        """Log no requests: the metrics count them."""

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY_BYTES:
            raise ValueError("the body is too large")
        return json.loads(self.rfile.read(length))

    def _json(self, code: int, content: Any) -> None:
        self._answer(code, json.dumps(content).encode(), "application/json")

    def _fail(self, code: int, message: str) -> None:
        self._json(code, {"error": message})

    def _answer(self, code: int, content: bytes, content_type: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> int:
    """Serve one model until SIGTERM, and some seconds longer."""
    parser = argparse.ArgumentParser(description=__doc__)
    for flag in ("--host", "--name", "--version", "--uri", "--digest"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    try:
        Handler.model = Model(arguments.name, arguments.uri, arguments.digest)
    except (WrongArtifact, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    server = ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Timer(DRAIN_SECONDS, server.shutdown).start())
    print(f"serving {arguments.name} {arguments.version} on {arguments.host}:{arguments.port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
