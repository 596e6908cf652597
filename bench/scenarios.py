"""All scenarios, in the order in which they run."""

from bench import (
    admission,
    breach,
    cost,
    failover,
    latency,
    prometheus,
    retention,
    scale,
    sizes,
    storm,
    sync,
    versions,
    writes,
)
from bench.run import Scenario

ALL: tuple[Scenario, ...] = (
    latency.SCENARIO,
    storm.SCENARIO,
    writes.SCENARIO,
    breach.SCENARIO,
    failover.SCENARIO,
    versions.SCENARIO,
    cost.SCENARIO,
    scale.SCENARIO,
    prometheus.SCENARIO,
    admission.SCENARIO,
    retention.SCENARIO,
    sync.SCENARIO,
    *sizes.SCENARIOS,
)
SCENARIOS = {each.name: each for each in ALL}
