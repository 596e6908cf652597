"""The versions of SageMaker's model package groups."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any

from pennant.api.meta import Json
from pennant.registries.digest import registry_digest
from pennant.registries.notes import Notes
from pennant.registries.pages import pages
from pennant.registries.protocol import (
    File,
    FoundVersion,
    Item,
    NoAccess,
    RegistryError,
    Selection,
    Skipped,
)
from pennant.registries.reading import or_failed, together
from pennant.registries.sagemaker import containers
from pennant.registries.sagemaker.calls import Calls, Place, place_of
from pennant.registries.sagemaker.details import Details, Group

PAGE = 100
APPROVED = "Approved"
"""The status of an approved version, and the alias of the newest one of a group."""


class SageMaker:
    """Implements `Registry`. A model is a model package group."""

    def __init__(self, calls: Calls, repository: str | None = None) -> None:
        """Read through `calls`; `repository` is that of code without one."""
        self._calls = calls
        self._details = Details(calls, repository)

    async def models(self) -> AsyncIterator[str]:
        """Yield the names of all model package groups."""
        async for each in self._pages("list_model_package_groups", "ModelPackageGroupSummaryList", SortBy="Name"):
            yield str(each["ModelPackageGroupName"])

    async def versions(self, model: str, selection: Selection) -> AsyncIterator[Item]:
        """Yield versions of a group, by its name or its ARN.

        The newest approved version has the alias Approved. Rule: R214.
        """
        described = await self._calls.sagemaker("describe_model_package_group", ModelPackageGroupName=model)
        _has(described, "ModelPackageGroupName", "describe_model_package_group")
        group = Group(described, *await self._tags(described))
        approved = await self._newest(model, ModelApprovalStatus=APPROVED)
        listed = self._listed(model, selection, approved)
        async for done in together(listed, lambda each: self._one(each, group, approved)):
            yield done

    async def _listed(self, model: str, selection: Selection, approved: Json | None) -> AsyncIterator[Json]:
        if not selection.is_all and selection.since is None:
            newest = await self._newest(model)
            chosen = {each["ModelPackageVersion"]: each for each in (approved, newest) if each is not None}
            for number in sorted(chosen):
                yield chosen[number]
            return
        order = "Ascending" if selection.since is None else "Descending"
        async for each in self._pages("list_model_packages", "ModelPackageSummaryList", **_of(model, order)):
            if selection.since is not None and each["CreationTime"] < selection.since:
                return
            yield each

    async def _newest(self, model: str, **status: str) -> Json | None:
        answer = await self._calls.sagemaker("list_model_packages", MaxResults=1, **_of(model, "Descending"), **status)
        listed = _has(answer, "ModelPackageSummaryList", "list_model_packages")
        return _complete(listed[0], "list_model_packages") if listed else None

    async def _pages(self, operation: str, field: str, **params: Any) -> AsyncIterator[Json]:
        def ask(token: str) -> Awaitable[Json]:
            more = {"NextToken": token} if token else {}
            return self._calls.sagemaker(operation, MaxResults=PAGE, **params, **more)

        async for page in pages(ask, lambda page: page.get("NextToken"), operation):
            for each in _has(page, field, operation):
                yield _complete(each, operation)

    async def _tags(self, described: Json) -> tuple[Mapping[str, str], str | None]:
        """Return the tags of a group, and what prevents that."""
        found: dict[str, str] = {}
        try:
            arn = str(described.get("ModelPackageGroupArn"))
            async for each in self._pages("list_tags", "Tags", ResourceArn=arn):
                found[str(each.get("Key"))] = str(each.get("Value"))
        except NoAccess:
            raise
        except RegistryError as error:
            return found, f"the tags of the group cannot be read: {error}"
        return found, None

    async def _one(self, summary: Json, group: Group, approved: Json | None) -> Item:
        name, number = group.name, str(summary["ModelPackageVersion"])
        if (status := summary.get("ModelPackageStatus")) != "Completed":
            return Skipped(name, number, f"its status is {status}")
        return await or_failed(self._found(summary, group, approved), name, number, "SageMaker's answer")

    async def _found(self, summary: Json, group: Group, approved: Json | None) -> FoundVersion:
        notes, arn = Notes(), summary["ModelPackageArn"]
        if group.said is not None:
            notes.add(group.said)
        fields, place = await self._details.read(str(arn), group, notes)
        aliases = (APPROVED,) if approved is not None and arn == approved["ModelPackageArn"] else ()
        return FoundVersion(group.name, str(summary["ModelPackageVersion"]), fields, aliases, notes.said, place)

    async def files(self, found: FoundVersion) -> AsyncIterator[File]:
        """Yield the files of the artefacts; raises `RegistryError` for one that is not in S3."""
        for artifact in found.record["artifacts"]:
            name, uri, digest = artifact["name"], artifact["uri"], str(artifact.get("digest", ""))
            kind, place = found.place[name], place_of(uri)
            if place is None or kind not in (containers.OBJECT, containers.PREFIX):
                raise RegistryError(f"the artefact {name} is {uri}, whose bytes are not in S3; leave --verify out")
            if kind == containers.OBJECT:
                yield File("", artifact.get("sizeBytes"), name, digest if digest.startswith("sha256:") else None)
                continue
            async for each in self._objects(place.bucket, prefix := _directory(place.key)):
                yield File(str(each["Key"]).removeprefix(prefix), int(each["Size"]), name)

    async def _objects(self, bucket: str, prefix: str) -> AsyncIterator[Json]:
        """Yield the objects below a prefix, but for the empty ones that the console makes for folders."""

        def ask(token: str) -> Awaitable[Json]:
            more = {"ContinuationToken": token} if token else {}
            return self._calls.s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **more)

        where = f"the list of s3://{bucket}/{prefix}"
        async for page in pages(ask, lambda page: page.get("NextContinuationToken"), where):
            for each in page.get("Contents") or ():
                if not (str(each["Key"]).endswith("/") and not each["Size"]):
                    yield each

    async def content(self, found: FoundVersion, file: File) -> AsyncIterator[bytes]:
        """Yield the bytes of a file. An object that was replaced after the registration is an error. Rule: R215."""
        artifact = next(each for each in found.record["artifacts"] if each["name"] == file.artifact)
        place = place_of(artifact["uri"])
        if place is None:
            raise RegistryError(f"the artefact {file.artifact} is not in S3")
        key = f"{_directory(place.key)}{file.path}" if file.path else place.key
        async for part in self._calls.content(Place(place.bucket, key), _etag(found, artifact)):
            yield part


def _etag(found: FoundVersion, artifact: Mapping[str, Any]) -> str | None:
    """Return the ETag that SageMaker has of an object; None: it has none."""
    noted = found.record["source"].get("annotations", {}).get(registry_digest(artifact["name"]))
    digest = str(noted or artifact.get("digest") or "")
    return digest.removeprefix("etag:") if digest.startswith("etag:") else None


def _has(answer: Json, field: str, operation: str) -> Any:
    """Return a field that every answer has; raises `NoAccess` where it lacks it.

    The client takes an answer that is no JSON for one without fields.
    """
    if answer.get(field) is None:
        raise NoAccess(f"the answer to {operation} has no {field}. Is this the address of SageMaker?")
    return answer[field]


def _complete(item: Any, operation: str) -> Json:
    """Return an item of a list; raises `RegistryError` where it lacks what every item has."""
    wanted = {
        "list_model_packages": ("ModelPackageArn", "ModelPackageVersion", "CreationTime"),
        "list_model_package_groups": ("ModelPackageGroupName",),
    }
    if not isinstance(item, dict) or any(item.get(each) is None for each in wanted.get(operation, ())):
        raise RegistryError(f"{operation} gives an item without a name or a version. Is this SageMaker?")
    return item


def _directory(key: str) -> str:
    return f"{key.rstrip('/')}/" if key else ""


def _of(model: str, order: str) -> dict[str, str]:
    return {"ModelPackageGroupName": model, "SortBy": "CreationTime", "SortOrder": order}
