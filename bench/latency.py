"""How long it takes from a tag's move until the Deployment is written, beside a client that does nothing else.

Both are measured in the same run, against the same API server, by the same observer: a watch on Deployments sees the
new pod template, whoever wrote it. The floor is a bare client that watches ModelVersions and, at each event, sends one
patch to a Deployment. Half of its moves come before those of the operator and half after, because a control plane gets
slower and faster meanwhile.
"""

import time
from collections.abc import Iterator

from bench.figures import Figure, Goal, percentiles
from bench.process import operator
from bench.promotions import PARTS_OF_A_MOVE, BareClient, Observer, moves, prepare, summary
from bench.run import Run, Scenario, Size


def measure(run: Run) -> Iterator[Figure]:
    with run.control_plane() as rig:
        prepare(rig)
        observer = Observer(rig)
        with operator(rig) as process:
            observer.wait("ours", "1.0.0")
            BareClient(rig, "bare")
            time.sleep(1)
            count = run.sizes["moves"]
            run.say("the bare client follows moves of a tag")
            floor = moves(rig, observer, "bare", count // 2)
            run.say("the operator follows moves of a tag")
            ours = summary(moves(rig, observer, "ours", count))
            process.until_at_rest()
            run.say("the bare client again")
            floor += moves(rig, observer, "bare", count - count // 2)
        yield from percentiles("tag move to Deployment", ours, summary(floor), p50=Goal(2), p99=Goal(2.5))


SCENARIO = Scenario(
    "latency",
    "a single tag move until the Deployment is written",
    {"moves": Size(200, 5, "tag moves of each client")},
    measure,
    PARTS_OF_A_MOVE,
)
