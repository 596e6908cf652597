"""Reads all that SageMaker and S3 hold of one version."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pennant.api.meta import Json
from pennant.registries.notes import Notes
from pennant.registries.protocol import NoAccess, NotThere, RegistryError
from pennant.registries.sagemaker import card, containers, reports, training
from pennant.registries.sagemaker.calls import Calls, place_of
from pennant.registries.sagemaker.containers import Data, Stored
from pennant.registries.sagemaker.record import Answers, record

NO_JOB = "SageMaker names no training job of it, so parameters, data sets and final metrics may be missing"


@dataclass(frozen=True, slots=True)
class Group:
    """A model package group."""

    described: Json
    tags: Mapping[str, str]
    said: str | None
    """What prevents that its tags are read."""

    @property
    def name(self) -> str:
        """Its name; it may have been asked for by its ARN."""
        return str(self.described.get("ModelPackageGroupName"))


class Details:
    """Reads versions."""

    def __init__(self, calls: Calls, repository: str | None) -> None:
        """Read through `calls`; `repository` is that of code without one."""
        self._calls = calls
        self._repository = repository

    async def read(self, arn: str, group: Group, notes: Notes) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return the record of a version, and what the URI of each of its artefacts names."""
        package = await self._calls.sagemaker("describe_model_package", ModelPackageName=arn)
        if not (data := containers.loaded(package)):
            raise RegistryError("SageMaker has no artefact of it: its containers have no model data and no image")
        of_card, listed = card.parsed(package, notes), reports.listed(package)
        stored, job, contents = await asyncio.gather(
            self._stored(data, notes), self._job(package, of_card, notes), self._contents(listed, notes)
        )
        answers = Answers(
            package=package,
            group=group.described,
            tags=group.tags,
            job=job,
            card=of_card,
            artifacts=containers.artifacts(data, stored, notes),
            reports=listed,
            contents=contents,
            repository=self._repository,
        )
        return record(answers, notes), answers.artifacts.place

    async def _stored(self, data: Sequence[Data], notes: Notes) -> dict[str, Stored]:
        """Return what S3 says of each object, by its URI."""
        found: dict[str, Stored] = {}
        for each in data:
            if each.kind != containers.OBJECT or (place := place_of(each.uri)) is None:
                continue
            try:
                answer = await self._calls.s3("head_object", Bucket=place.bucket, Key=place.key, ChecksumMode="ENABLED")
            except NoAccess:
                raise
            except RegistryError as error:
                notes.add(f"{each.uri} cannot be read in S3, so its size and its sha256 are not known: {error}")
                continue
            found[each.uri] = containers.of_head(answer)
        return found

    async def _job(self, package: Json, of_card: Json, notes: Notes) -> Json:
        """Return the training job; empty: there is none."""
        name, is_said = training.job_name(package, of_card)
        if name is None:
            notes.add(NO_JOB)
            return {}
        try:
            job = await self._calls.sagemaker("describe_training_job", TrainingJobName=name)
        except NoAccess:
            raise
        except NotThere:
            job = {}
        except RegistryError as error:
            notes.add(f"the training job {name} cannot be read: {error}")
            return {}
        if not job and is_said:
            notes.add(f"the training job {name} was deleted, with its parameters, data sets and metrics")
        elif not job or not (is_said or training.made(job, package)):
            notes.add(NO_JOB)
            return {}
        return job

    async def _contents(self, listed: Sequence[reports.Report], notes: Notes) -> dict[str, bytes]:
        """Return the bytes of the reports that have metrics, by their URIs."""
        found: dict[str, bytes] = {}
        for each in listed:
            if not each.has_metrics or (place := place_of(each.uri)) is None:
                continue
            parts, size = [], 0
            try:
                async for part in self._calls.content(place):
                    parts.append(part)
                    size += len(part)
                    if size > reports.LARGEST:
                        raise RegistryError(f"it has more than {reports.LARGEST >> 20} MiB")
            except NoAccess:
                raise
            except RegistryError as error:
                notes.add(f"{each.uri} cannot be read, so its metrics are not known: {error}")
                continue
            found[each.uri] = b"".join(parts)
        return found
