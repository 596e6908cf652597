"""A real Prometheus with exactly the samples that a test gives it."""

import math
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from rig import Rig
from rig.addresses import free_port
from simulation.support.sources import Sample

READY_SECONDS = 30
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class PrometheusServer:
    """A server over blocks that promtool made; it ends with this process."""

    def __init__(self, rig: Rig, directory: Path, begin: datetime, samples: Iterable[Sample]) -> None:
        data, text = directory / "data", directory / "samples.om"
        text.write_text(open_metrics(begin, samples))
        make = [str(rig.binary("promtool")), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
        subprocess.run(make, check=True, capture_output=True, timeout=60)
        (directory / "prometheus.yml").write_text("{}\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    str(rig.binary("prometheus")),
                    f"--config.file={directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={data}",
                    "--storage.tsdb.retention.time=100y",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        self._wait()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("Prometheus did not become ready")


def open_metrics(begin: datetime, samples: Iterable[Sample]) -> str:
    lines = []
    for each in sorted(samples, key=lambda each: each.name):
        labels = ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in each.labels.items())
        value = {math.inf: "+Inf", -math.inf: "-Inf"}.get(each.value, str(each.value))
        value = "NaN" if math.isnan(each.value) else value
        lines.append(f"{each.name}{{{labels}}} {value} {begin.timestamp() + each.seconds}")
    return "\n".join([*lines, "# EOF", ""])
