"""Retention judges all models, exports before it deletes, and stops at the first error.

Rule: R192.
Rule: R193.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pennant.api.meta import Json
from pennant.api.reasons import Reason
from pennant.archive.writer import PlaceArchive
from pennant.controller.retention import NO_ARCHIVE, NO_PERMISSION, RetentionController
from pennant.controller.version_exports import VersionExports
from pennant.core.facts.observation import Key
from pennant.core.versions.retention import DeploymentFact, Verdict, VersionFact
from pennant.ports import Conflict, PortError, Refused, Unavailable
from unit.archive.places import MemoryPlace
from unit.controller.archives import Clock
from unit.controller.archives import Counted as ArchiveCounted
from unit.core.builders import after
from unit.core.test_retention import deployment, version
from unit.kube.raw import raw

Model = tuple[str, str]


class Retained:
    """Versions in memory, and what was done in which order."""

    def __init__(self, versions: Iterable[VersionFact], *deployments: DeploymentFact) -> None:
        self.known = {each.key: each for each in versions}
        self.owners = deployments or (deployment(),)
        self.log: list[str] = []
        self.verdicts: Mapping[Key, Verdict] = {}
        self.error: PortError | None = None

    def models(self) -> Iterable[Model]:
        return [("default", "fraud")]

    def deployments(self, model: Model) -> tuple[DeploymentFact, ...]:
        return self.owners

    def versions(self, model: Model, now: datetime) -> tuple[VersionFact, ...]:
        return tuple(self.known.values())

    def version(self, key: Key, now: datetime) -> VersionFact | None:
        return self.known.get(key)

    def publish(self, verdicts: Mapping[Key, Verdict]) -> None:
        self.verdicts = dict(verdicts)

    async def read(self, version: VersionFact) -> Json | None:
        self.log.append(f"read {version.version}")
        spec = {"model": "fraud", "version": version.version}
        return raw(version.key.name, spec, uid=version.uid, at=version.resource_version)

    async def delete(self, version: VersionFact) -> None:
        self.log.append(f"delete {version.version}")
        if self.error is not None:
            raise self.error
        if self.known[version.key] != version:
            raise Conflict("the object has been modified")
        del self.known[version.key]


class Counted:
    def __init__(self) -> None:
        self.results: list[str] = []
        self.number = -1

    def expired(self, versions: int) -> None:
        self.number = versions

    def deleted(self, result: str) -> None:
        self.results.append(result)


class Given:
    def __init__(self, retained: Retained, *, archived: bool = True, may_delete: bool = True) -> None:
        self.retained, self.place, self.counted, self.clock = retained, MemoryPlace(), Counted(), Clock()
        self.clock.time = after(86_400 * 1000)
        self.place.before_create = lambda name: retained.log.append(f"export {name.split('/')[2]}")
        archive = PlaceArchive(self.place, "https://api.example", self.clock)
        self.archived = ArchiveCounted()
        self.exports = VersionExports(archive, self.clock, self.archived)
        self.controller = RetentionController(
            retained,
            self.exports if archived else None,
            self.clock,
            self.counted,
            self.give_way,
            may_delete=may_delete,
            deletes_per_second=1_000_000,
        )

    async def give_way(self) -> None:
        self.retained.log.append("wait")


def several() -> list[VersionFact]:
    return [replace(version(each), resource_version="10") for each in (1, 2, 3)]


async def test_a_version_is_exported_before_it_is_deleted_and_each_step_gives_way() -> None:
    given = Given(retained := Retained(several()))
    await given.controller.run_once()
    one = ["wait", "read 2", "export fraud-2", "delete 2"]
    assert retained.log == ["wait", *one, *(each.replace("2", "1") for each in one)], "children before parents"
    assert [each.version for each in retained.known.values()] == ["3"]
    assert given.counted.results == ["success", "success"]
    assert given.counted.number == 2


async def test_without_an_archive_or_the_permission_nothing_is_deleted_and_the_condition_says_so() -> None:
    for given, why in (
        (Given(Retained(several()), archived=False), NO_ARCHIVE),
        (Given(Retained(several()), may_delete=False), NO_PERMISSION),
    ):
        await given.controller.run_once()
        assert given.retained.log == ["wait"]
        verdicts = given.retained.verdicts.values()
        assert [each.reason for each in verdicts] == [Reason.DELETION_REFUSED] * 2
        assert all(each.message.endswith(why) for each in verdicts)


async def test_if_the_archive_fails_nothing_is_deleted_and_the_run_ends() -> None:
    given = Given(Retained(several()))
    given.place.error = Unavailable("no space left")
    await given.controller.run_once()
    assert [each for each in given.retained.log if "delete" in each] == []
    assert given.retained.log.count("read 2") == 1
    assert "read 1" not in given.retained.log
    refused = given.retained.verdicts[version(2).key]
    assert refused.reason is Reason.DELETION_REFUSED
    assert refused.message.endswith("; not deleted: no space left")
    assert given.archived.results == ["unavailable"]
    given.clock.time += timedelta(seconds=1000)
    assert (given.exports.pending, given.exports.oldest_seconds) == (2, 1000)
    given.place.error = Refused("403")
    await given.controller.run_once()
    assert given.archived.results == ["unavailable", "refused"]
    assert given.exports.oldest_seconds == 1000, "since the first failure"
    given.place.error = None
    await given.controller.run_once()
    assert [each.version for each in given.retained.known.values()] == ["3"]


async def test_what_waits_for_the_archive_ends_when_it_is_written_or_nothing_is_to_be_deleted() -> None:
    given = Given(retained := Retained(several()))
    given.place.error = Unavailable("no space left")
    await given.controller.run_once()
    retained.known.clear()
    await given.controller.run_once()
    assert (given.exports.pending, given.exports.oldest_seconds) == (0, 0)
    given = Given(Retained(several()))
    await given.controller.run_once()
    assert given.archived.results == ["success", "success"]
    assert (given.exports.pending, given.exports.oldest_seconds) == (0, 0)


async def test_a_version_whose_status_was_written_meanwhile_is_read_and_judged_again() -> None:
    given = Given(retained := Retained(several()))
    key = version(2).key

    def written(name: str) -> None:
        if "fraud-2" in name and retained.known[key].resource_version == "10":
            retained.known[key] = replace(retained.known[key], resource_version="11")

    given.place.after_create = written
    await given.controller.run_once()
    assert given.counted.results == ["conflict", "success", "success"]
    assert [each.version for each in retained.known.values()] == ["3"]
    assert len(given.place.files) == 3, "each state that was to be deleted"


async def test_a_version_that_changes_again_and_again_stays() -> None:
    given = Given(retained := Retained(several()))
    retained.error = Conflict("the object has been modified")
    await given.controller.run_once()
    assert given.counted.results == ["conflict"] * 6
    assert len(retained.known) == 3


async def test_a_version_that_came_into_use_meanwhile_stays() -> None:
    given = Given(retained := Retained(several()))

    async def promoted() -> None:
        if "delete 2" in retained.log:
            retained.owners = (deployment(uses={"1": "ModelDeployment fraud serves it"}),)

    given.controller._give_way = promoted
    await given.controller.run_once()
    assert [each.version for each in retained.known.values()] == ["1", "3"]
    assert "read 1" not in retained.log


async def test_a_process_that_leads_no_more_deletes_nothing() -> None:
    given = Given(retained := Retained(several()))
    await given.controller.run_once(lambda: False)
    assert retained.log == ["wait"]
    assert retained.verdicts == {}
    left = iter([True, True, False])
    await given.controller.run_once(lambda: next(left))
    assert [each for each in retained.log if "delete" in each] == ["delete 2"]


async def test_a_crash_after_the_export_repeats_it_without_a_second_file() -> None:
    given = Given(retained := Retained(several()))
    retained.error = Unavailable("the answer is lost")
    await given.controller.run_once()
    retained.error = None
    await given.controller.run_once()
    assert sorted(given.place.files) == [f"default/modelversions/fraud-{each}/uid-{each}-10.jsonl" for each in (1, 2)]
