"""Questions to a W&B server: documents of GraphQL, and answers page by page.

Each document has fields that W&B's own client asks for as well. Servers that a user hosts may be older, so the fields
that were added later are left out where a server does not know them.
"""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from pennant.api.meta import Json, clip
from pennant.registries.http import Pairs
from pennant.registries.pages import pages
from pennant.registries.protocol import NoAccess, Refused, RegistryError

PAGE = 100
OPTIONAL = ("digestAlgorithm", "historyStep", "ttlDurationSeconds")
"""Fields of an artefact that an older server does not know."""
_UNKNOWN = re.compile(r"Cannot query field \"(\w+)\"")
_REFUSED = re.compile(r"not logged in|unauthorized|invalid api key|permission denied", re.IGNORECASE)

_PROJECT = "project { name entity { name } }"
_USED = f"id digest digestAlgorithm versionIndex artifactType {{ name }} artifactSequence {{ name {_PROJECT} }}"
_FIELDS = f"""{_USED}
  state description metadata size fileCount commitHash createdAt updatedAt historyStep ttlDurationSeconds
  tags {{ name }} aliases {{ alias artifactCollection {{ name {_PROJECT} }} }}"""
_TAGS = "tags { edges { node { name } } }"
_PAGE_INFO = "pageInfo { endCursor hasNextPage }"

VIEWER = "query PennantViewer { viewer { entity } }"
ORGANIZATION = """query PennantOrganization($entity: String!) {
  entity(name: $entity) {
    organization { name orgEntity { name } }
    user { organizations { name orgEntity { name } } }
  }
}"""
PROJECTS = f"""query PennantProjects($entity: String, $cursor: String, $perPage: Int) {{
  models(entityName: $entity, after: $cursor, first: $perPage) {{ {_PAGE_INFO} edges {{ node {{ name }} }} }}
}}"""
COLLECTIONS = f"""query PennantCollections(
  $entity: String!, $project: String!, $type: String!, $cursor: String, $perPage: Int
) {{
  project(entityName: $entity, name: $project) {{ artifactType(name: $type) {{
    artifactCollections(after: $cursor, first: $perPage) {{ {_PAGE_INFO} edges {{ node {{ name }} }} }}
  }} }}
}}"""
COLLECTION = f"""query PennantCollection($entity: String!, $project: String!, $type: String!, $name: String!) {{
  project(entityName: $entity, name: $project) {{ artifactType(name: $type) {{
    artifactCollection(name: $name) {{ name description {_TAGS} }}
  }} }}
}}"""
VERSIONS = f"""query PennantVersions(
  $entity: String!, $project: String!, $type: String!, $name: String!, $cursor: String, $perPage: Int
) {{
  project(entityName: $entity, name: $project) {{ artifactType(name: $type) {{ artifactCollection(name: $name) {{
    artifacts(after: $cursor, first: $perPage) {{ {_PAGE_INFO} edges {{ version node {{ {_FIELDS} }} }} }}
  }} }} }}
}}"""
ORIGIN = f"""query PennantOrigin($id: ID!) {{
  artifact(id: $id) {{
    createdBy {{ __typename ... on Run {{ name {_PROJECT} }} }}
    currentManifest {{ file {{ directUrl }} }}
  }}
}}"""
RUN = f"""query PennantRun($entity: String!, $project: String!, $run: String!, $names: [String]) {{
  project(name: $project, entityName: $entity) {{ run(name: $run) {{
    name displayName config summaryMetrics commit state createdAt heartbeatAt notes tags group jobType sweepName
    user {{ name username }}
    files(names: $names, first: 10) {{ edges {{ node {{ name directUrl }} }} }}
    inputArtifacts(first: {PAGE}) {{ {_PAGE_INFO} edges {{ node {{ {_USED} }} }} }}
    outputArtifacts(first: {PAGE}) {{ edges {{ node {{ {_USED} }} }} }}
  }} }}
}}"""
FILE = """query PennantFile(
  $entity: String!, $project: String!, $collection: String!, $version: String!, $names: [String!]
) {
  project(name: $project, entityName: $entity) { artifactCollection(name: $collection) {
    artifactMembership(aliasName: $version) { files(names: $names, first: 1) { edges { node { directUrl } } } }
  } }
}"""


class Poster(Protocol):
    """What questions are sent with."""

    async def json(self, path: str, params: Pairs = (), sent: Json | None = None) -> Json:
        """Return an answer that is a JSON object."""
        ...


class Graph:
    """The GraphQL of a W&B server."""

    def __init__(self, http: Poster, hint: str) -> None:
        """Ask through `http`; `hint` says where credentials come from."""
        self._http = http
        self._hint = hint
        self._left_out: set[str] = set()

    async def ask(self, document: str, **variables: Any) -> Json:
        """Return the data of an answer; raises `RegistryError` with what the server says of an error."""
        while True:
            sent = {"query": self._known(document), "variables": variables}
            try:
                answer = await self._http.json("/graphql", (), sent)
            except Refused as error:
                self._leave_out(str(error), error)
                continue
            if errors := answer.get("errors"):
                self._leave_out(_said(errors))
                continue
            data = answer.get("data")
            if not isinstance(data, dict):
                raise NoAccess("the server answers without data. Is it a server of W&B?")
            return data

    async def pages(self, document: str, path: Sequence[str], **variables: Any) -> AsyncIterator[Json]:
        """Yield the edges of a connection at `path`, page by page; nothing where there is no such object."""

        async def ask(cursor: str) -> Json:
            return inner(await self.ask(document, **variables, cursor=cursor or None, perPage=PAGE), *path)

        def cursor_of(page: Json) -> Any:
            info = inner(page, "pageInfo")
            return info.get("hasNextPage") and info.get("endCursor")

        async for page in pages(ask, cursor_of, "the server"):
            for each in page.get("edges") or ():
                if isinstance(each, dict) and isinstance(each.get("node"), dict):
                    yield each

    def _known(self, document: str) -> str:
        return re.sub(rf"\b({'|'.join(self._left_out)})\b", "", document) if self._left_out else document

    def _leave_out(self, said: str, cause: Exception | None = None) -> None:
        """Leave out the fields that a server says it does not know; raises `RegistryError` for any other error."""
        unknown = (set(_UNKNOWN.findall(said)) & set(OPTIONAL)) - self._left_out
        if not unknown:
            kind = NoAccess if _REFUSED.search(said) else RegistryError
            raise kind(f"{said}. {self._hint}" if kind is NoAccess else said) from cause
        self._left_out |= unknown


def inner(value: Any, *path: str) -> Json:
    """Return an object in nested objects; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def nodes(connection: Any) -> list[Json]:
    """Return the nodes of a connection of one page."""
    edges = connection.get("edges") if isinstance(connection, dict) else None
    listed = edges if isinstance(edges, list) else []
    return [each["node"] for each in listed if isinstance(each, dict) and isinstance(each.get("node"), dict)]


def _said(errors: Any) -> str:
    listed = errors if isinstance(errors, list) else [errors]
    texts = [str(each.get("message") if isinstance(each, dict) else each) for each in listed]
    return clip("; ".join(texts), 1000).rstrip(".")
