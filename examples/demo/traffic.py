"""Live traffic: sends held-out images to the ready pods, and their labels as feedback."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from demo.manifests import PORT
from demo.training import MODEL, Rows

BATCH = 6
BATCHES_PER_SECOND = 10
REFRESH_SECONDS = 0.5
REQUEST_SECONDS = 2.0


class Traffic:
    """Sends rows at a constant rate from a thread, until it is stopped."""

    def __init__(self, rows: Rows, pods: Callable[[], Sequence[str]]) -> None:
        """Send these rows, again and again, to the addresses that `pods` returns."""
        self._rows, self._pods = rows, pods
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self.sent = 0
        self.failed = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, after the current request."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        starts = itertools.cycle(range(0, len(self._rows.labels) - BATCH, BATCH))
        addresses: Sequence[str] = ()
        refreshed = 0.0
        turn = 0
        due = time.monotonic()
        while not self._stopping.is_set():
            if time.monotonic() - refreshed > REFRESH_SECONDS:
                addresses, refreshed = self._pods(), time.monotonic()
            if addresses:
                turn += 1
                self._send(addresses[turn % len(addresses)], next(starts))
            due = max(due + 1 / BATCHES_PER_SECOND, time.monotonic() - 1)
            self._stopping.wait(max(due - time.monotonic(), 0))

    def _send(self, address: str, start: int) -> None:
        images = self._rows.images[start : start + BATCH].tolist()
        labels = [int(each) for each in self._rows.labels[start : start + BATCH]]
        try:
            predictions = self._post(address, f"/v1/models/{MODEL}:predict", {"instances": images})["predictions"]
            self._post(address, "/feedback", {"predictions": predictions, "labels": labels})
            self.sent += len(labels)
        except (OSError, http.client.HTTPException):
            # A pod that is going away; the next batch goes to another one.
            self._connections.pop(address, None)
            self.failed += len(labels)

    def _post(self, address: str, path: str, body: Any) -> Any:
        connection = self._connections.get(address)
        if connection is None:
            connection = http.client.HTTPConnection(address, PORT, timeout=REQUEST_SECONDS)
            self._connections[address] = connection
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(f"HTTP {answer.status}")
        return json.loads(content)
