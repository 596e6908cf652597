"""What retention makes of a year of daily versions of many models, and what it costs others.

Versions of each model are created in the order of their days; each has the one before as its parent. `keepLast` lets
all go but the last 30, what has a tag or a legal hold, and the parents of these. The operator deletes the others,
exported first, while a tag of another model is moved to and fro; the floor of these moves are those at rest.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.api import Api, created, send
from bench.figures import Figure, Goal, percentiles
from bench.objects import MODEL_DEPLOYMENTS, TAG, VERSIONS, Object, a_model_deployment, a_version
from bench.process import Operator, operator
from bench.promotions import Observer, moves, prepare, summary
from bench.run import Run, Scenario, Size
from rig import Rig

KEEP = 30
PAUSE_SECONDS = 5.0
"""Between promotions: a queue that is never empty leaves five deletions a second."""
STAGING, HELD = 100, 50
"""Days whose version has a tag, and a legal hold."""
PATIENCE_SECONDS = 1_800.0


def count(api: Api) -> int:
    """Return how many versions there are, with those of the model that promotions move.

    A watch of so many objects may be closed by the API server for minutes of silence or for its length.
    """
    page = api.request("GET", f"{VERSIONS}?limit=1&resourceVersion=")
    return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))


def names(api: Api) -> set[str]:
    """Return the names of the versions of the many models."""
    found = {each["metadata"]["name"] for page in api.pages(VERSIONS) for each in page["items"]}
    return {each for each in found if each.startswith("m")}


def versions(models: int, days: int) -> list[Object]:
    """Return the manifests, in the order of their days."""
    found = []
    for day in range(days):
        for model in range(models):
            tags = [TAG] if day == days - 1 else ["staging"] if day == STAGING else []
            each = a_version(f"m{model:03}", f"2026.{day:03}", tags)
            if day:
                each["spec"]["parent"] = f"2026.{day - 1:03}"
            each["spec"]["metrics"] = [{"name": "auc", "value": "0.9", "split": "Test"}]
            if day == HELD:
                each["spec"]["retention"] = {"legalHold": True}
            found.append(each)
    return found


def survivors(models: int, days: int) -> set[str]:
    """Return the names of the versions that must stay."""
    kept = {*range(max(days - KEEP, 0), days), *(each for each in (STAGING, HELD) if each < days)}
    kept |= {each - 1 for each in kept if each}
    return {f"m{model:03}-2026.{day:03}" for model in range(models) for day in kept}


def create(rig: Rig, path: str, manifests: list[Object]) -> None:
    send(rig, [[created(path, each)] for each in manifests])


def measure(run: Run) -> Iterator[Figure]:
    """Create, let the operator judge and delete, and yield what was seen."""
    manifests = versions(run.sizes["models"], run.sizes["days"])
    with run.control_plane() as rig:
        archive = rig.directory / "archive"
        archive.mkdir()
        prepare(rig)
        observer = Observer(rig)
        run.say(f"{len(manifests)} versions are created")
        create(rig, VERSIONS, manifests)
        settings = {"retention_deletes_per_second": str(run.sizes["rate"]), "retention_seconds": "20"}
        settings |= {"retention_deletes": "true", "archive": str(archive), "namespace": "default"}
        with operator(rig, **settings) as process:
            observer.wait("ours", "1.0.0")
            run.say("their statuses are written: a record is kept until it was checked")
            process.until_at_rest(PATIENCE_SECONDS)
            run.say("tag moves at rest")
            idle = summary(moves(rig, observer, "ours", run.sizes["moves"]))
            yield Figure("memory at rest", process.memory("VmRSS"), "MiB")
            yield from _deletions(run, rig, observer, process, idle)
        yield Figure("exported versions", _exported(archive), "versions")


def _deletions(run: Run, rig: Rig, observer: Observer, process: Operator, idle: dict[str, float]) -> Iterator[Figure]:
    models, days = run.sizes["models"], run.sizes["days"]
    api, wanted, busy = Api(rig), survivors(models, days), list[float]()
    others = count(api) - models * days
    retention = {"keepLast": KEEP, "action": "Delete"}
    create(rig, MODEL_DEPLOYMENTS, [a_model_deployment(f"m{each:03}", retention=retention) for each in range(models)])
    began = time.monotonic()
    while (left := count(api) - others) > len(wanted) and time.monotonic() < began + run.sizes["seconds"]:
        run.say(f"{left} versions are left, {len(wanted)} must stay; {process.memory('VmRSS'):.0f} MiB")
        busy += moves(rig, observer, "ours", 4)
        time.sleep(PAUSE_SECONDS)
    took, stay = time.monotonic() - began, names(api)
    yield Figure("deleted versions", models * days - len(stay), "versions")
    yield Figure("deletions", (models * days - len(stay)) / took, "/s")
    if lost := sorted(wanted - stay):
        run.say(f"wrongly deleted: {', '.join(lost[:5])}")
    yield Figure("wrongly deleted versions", len(lost), "versions", None, Goal(0))
    yield Figure("versions that are left to delete", len(stay - wanted), "versions")
    yield from percentiles("tag move meanwhile, beside one at rest", summary(busy), idle)
    yield Figure("tag moves meanwhile", len(busy), "moves")
    yield Figure("peak memory", process.memory("VmHWM"), "MiB")


def _exported(archive: Path) -> int:
    return sum(1 for _ in archive.rglob("modelversions/*/*.jsonl"))


SCENARIO = Scenario(
    "retention",
    "the deletion of versions that need not be kept, and a tag move meanwhile",
    {
        "models": Size(100, 2, "models"),
        "days": Size(365, 110, "versions of each model"),
        "rate": Size(1_000, 100, "deletions a second at most"),
        "moves": Size(20, 2, "tag moves at rest"),
        "seconds": Size(900, 120, "seconds for the deletions at most"),
    },
    measure,
)
