"""The operator connects to the API server and to the metric sources of its configuration, and to no other address."""

import socket
import threading
from collections.abc import Iterator

import pytest

from cluster.api import RefusedError
from cluster.scenario import Manifest, Scenario
from unit.api import examples


class ConnectionCounter:
    """Accepts connections and counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/model"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.close()
            self.connections += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def listener() -> Iterator[ConnectionCounter]:
    listening = ConnectionCounter()
    yield listening
    listening.close()


def everywhere(value: object, url: str) -> object:
    """Return a value with this URL wherever it has an address."""
    if isinstance(value, dict):
        return {name: url if _is_address(name, each) else everywhere(each, url) for name, each in value.items()}
    return [everywhere(each, url) for each in value] if isinstance(value, list) else value


def _is_address(name: str, value: object) -> bool:
    return isinstance(value, str) and (name.lower().endswith("uri") or "://" in value or name in ("instance", "image"))


def a_record_of(scenario: Scenario, listener: ConnectionCounter, version: str) -> Manifest:
    """Return a version with all fields of a record, with addresses that listen."""
    spec = examples.a_whole_version()["spec"]
    left_out = ("model", "version", "tags", "serving")
    found = everywhere({name: each for name, each in spec.items() if name not in left_out}, listener.url)
    assert isinstance(found, dict)
    assert str(found).count(listener.url) >= 12
    return scenario.a_version(version, "production", **found)


def test_no_address_in_a_record_is_called(serving: Scenario, listener: ConnectionCounter) -> None:
    serving.accuracy("1.1.0", 0.97)
    serving.apply(serving.a_version("1.0.0"), a_record_of(serving, listener, "1.1.0"))
    serving.until_verified("1.1.0")
    serving.accuracy("1.1.0", 0.4)
    serving.until_rolled_back_to("1.0.0")
    assert listener.connections == 0


def test_a_source_that_is_an_address_is_a_name_that_nobody_knows(
    serving: Scenario, listener: ConnectionCounter
) -> None:
    metric = {"name": "accuracy", "prometheus": {"source": "prometheus", "query": "up"}, "threshold": {"min": "0"}}
    refused = metric | {"prometheus": {"source": listener.url, "query": "up"}}
    analysis = {"intervalSeconds": 1, "bakeSeconds": 2}
    with pytest.raises(RefusedError, match=r"prometheus\.source"):
        serving.deployment(analysis=analysis | {"metrics": [refused]})
    serving.deployment(analysis=analysis | {"metrics": [metric]})
    serving.until(lambda: serving.condition("MetricsHealthy") == ("Unknown", "SourceUnknown"))
    assert "no metric source of this name is configured" in serving.message("MetricsHealthy")
    assert listener.connections == 0
