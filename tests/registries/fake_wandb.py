"""A server of W&B that its own client accepts: GraphQL of a schema with the fields that the client asks for."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from graphql import build_schema, graphql_sync

from unit.http_server import serving

# Each type has what client 0.31 and the importer ask for. A field that neither has is an error of GraphQL.
SCHEMA = """
scalar JSONString
type Query {
  viewer: User
  entity(name: String): Entity
  project(name: String, entityName: String): Project
  models(entityName: String, after: String, first: Int): ProjectConnection
  artifact(id: ID!): Artifact
  serverInfo: ServerInfo
}
type ServerInfo { features: [Feature!]! cliVersionInfo: JSONString }
type Feature { name: String! isEnabled: Boolean! }
type User {
  id: ID! entity: String username: String name: String email: String flags: String admin: Boolean
  organizations: [Organization!] teams: EntityConnection
}
type Organization { name: String! orgEntity: Entity }
type Entity { id: ID! name: String! organization: Organization user: User project(name: String): Project }
type EntityConnection { edges: [EntityEdge!]! }
type EntityEdge { node: Entity }
type PageInfo { endCursor: String hasNextPage: Boolean! }
type ProjectConnection { edges: [ProjectEdge!]! pageInfo: PageInfo! }
type ProjectEdge { node: Project cursor: String }
type Project {
  id: ID! internalId: ID name: String! entityName: String entity: Entity! createdAt: String isBenchmark: Boolean
  artifactType(name: String!): ArtifactType
  artifactTypes(after: String, first: Int): ArtifactTypeConnection
  artifactCollection(name: String!): ArtifactCollection
  artifactCollectionMembership(name: String!): ArtifactCollectionMembership
  run(name: String!): Run
}
type ArtifactTypeConnection { edges: [ArtifactTypeEdge!]! pageInfo: PageInfo! totalCount: Int }
type ArtifactTypeEdge { node: ArtifactType }
type ArtifactType {
  id: ID! name: String! description: String createdAt: String
  artifactCollection(name: String!): ArtifactCollection
  artifactCollections(after: String, first: Int, filters: JSONString, order: String): ArtifactCollectionConnection
}
type ArtifactCollectionConnection { edges: [ArtifactCollectionEdge!]! pageInfo: PageInfo! totalCount: Int }
type ArtifactCollectionEdge { node: ArtifactCollection }
interface ArtifactCollection {
  id: ID! name: String! description: String createdAt: String updatedAt: String project: Project
  defaultArtifactType: ArtifactType! tags: TagConnection!
  aliases(after: String, first: Int): ArtifactAliasConnection!
  artifacts(after: String, first: Int, order: String, filters: JSONString): VersionedArtifactConnection
  artifactMembership(aliasName: String!): ArtifactCollectionMembership
}
type ArtifactSequence implements ArtifactCollection {
  id: ID! name: String! description: String createdAt: String updatedAt: String project: Project
  defaultArtifactType: ArtifactType! tags: TagConnection!
  aliases(after: String, first: Int): ArtifactAliasConnection!
  artifacts(after: String, first: Int, order: String, filters: JSONString): VersionedArtifactConnection
  artifactMembership(aliasName: String!): ArtifactCollectionMembership
}
type ArtifactPortfolio implements ArtifactCollection {
  id: ID! name: String! description: String createdAt: String updatedAt: String project: Project
  defaultArtifactType: ArtifactType! tags: TagConnection!
  aliases(after: String, first: Int): ArtifactAliasConnection!
  artifacts(after: String, first: Int, order: String, filters: JSONString): VersionedArtifactConnection
  artifactMembership(aliasName: String!): ArtifactCollectionMembership
}
type ArtifactAliasConnection { edges: [ArtifactAliasEdge!]! pageInfo: PageInfo! }
type ArtifactAliasEdge { node: ArtifactAlias }
type TagConnection { edges: [TagEdge!]! }
type TagEdge { node: Tag }
type Tag { id: ID! name: String! }
type VersionedArtifactConnection { edges: [VersionedArtifactEdge!]! pageInfo: PageInfo! totalCount: Int }
type VersionedArtifactEdge { version: String node: Artifact }
type ArtifactCollectionMembership {
  id: ID! versionIndex: Int createdAt: String aliases: [ArtifactAlias!]! artifactCollection: ArtifactCollection
  artifact: Artifact files(names: [String!], after: String, first: Int): FileConnection
}
type ArtifactAlias { id: ID! alias: String! artifactCollection: ArtifactCollection }
enum ArtifactState { PENDING COMMITTED DELETED }
enum ArtifactDigestAlgorithm { MANIFEST_MD5 MANIFEST_XXH128 }
type Artifact {
  id: ID! artifactSequence: ArtifactSequence! versionIndex: Int artifactType: ArtifactType! description: String
  metadata: JSONString ttlDurationSeconds: Int! ttlIsInherited: Boolean! tags: [Tag!]! historyStep: Int
  state: ArtifactState! size: Int! digest: String! digestAlgorithm: ArtifactDigestAlgorithm commitHash: String
  fileCount: Int! createdAt: String! updatedAt: String aliases: [ArtifactAlias!]! createdBy: Initiator
  currentManifest: ArtifactManifest
}
union Initiator = Run | User
type ArtifactManifest { file: File! }
type FileConnection { edges: [FileEdge!]! pageInfo: PageInfo! totalCount: Int }
type FileEdge { node: File cursor: String }
type File {
  id: ID! name: String! displayName: String url(upload: Boolean): String directUrl: String! sizeBytes: Int
  storagePath: String mimetype: String updatedAt: String digest: String md5: String
}
type Run {
  id: ID! name: String! projectId: ID project: Project displayName: String config: JSONString summaryMetrics: JSONString
  systemMetrics: JSONString historyKeys: JSONString historyLineCount: Int commit: String state: String readOnly: Boolean
  createdAt: String heartbeatAt: String description: String notes: String tags: [String!] group: String jobType: String
  sweepName: String user: User fileCount: Int
  files(names: [String], after: String, first: Int, pattern: String): FileConnection
  inputArtifacts(after: String, first: Int): ArtifactConnection
  outputArtifacts(after: String, first: Int): ArtifactConnection
}
type ArtifactConnection { edges: [ArtifactEdge!]! pageInfo: PageInfo! totalCount: Int }
type ArtifactEdge { node: Artifact }
"""


def connection(nodes: list[Any], after: str | None = None, first: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a page of nodes, as GraphQL has it."""
    start, size = int(after or 0), first or 50
    page = [{"node": each, "cursor": "", **more} for each in nodes[start : start + size]]
    has_next = start + size < len(nodes)
    info = {"endCursor": str(start + size), "hasNextPage": has_next}
    return {"edges": page, "pageInfo": info, "totalCount": len(nodes)}


class Node(dict[str, Any]):
    """An object of the schema; a value that is a function takes the arguments of its field."""


def resolved(source: Any, info: Any, **arguments: Any) -> Any:
    value = source.get(info.field_name) if isinstance(source, dict) else None
    return value(**arguments) if callable(value) else value


@dataclass
class FakeWandb:
    """Projects, runs and artefacts, which a test adds."""

    entity: str = "acme"
    key: str = "k" * 40
    address: str = ""
    projects: dict[tuple[str, str], Node] = field(default_factory=dict)
    artifacts: dict[str, Node] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """By the path of the signed URL."""
    denied: int = 0
    """HTTP code for each question; 0: it is answered."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and credentials of each request."""

    def root(self) -> Node:
        organization = Node(name="Acme", orgEntity=Node(id="e2", name="acme-org"))
        user = Node(__typename="User", id="u1", entity=self.entity, username="ada", name="Ada", email="ada@example.com")
        user |= {"flags": "{}", "admin": False, "teams": {"edges": []}, "organizations": [organization]}
        return Node(
            viewer=user,
            serverInfo={"features": [{"name": "ARTIFACT_COLLECTION_MEMBERSHIP_FILES", "isEnabled": True}]},
            entity=lambda name: Node(id="e1", name=name, organization=organization),
            project=lambda **at: self.projects.get((at["entityName"], at["name"])),
            models=lambda after=None, first=None, **at: connection(
                [each for (entity, _), each in self.projects.items() if entity == at["entityName"]], after, first
            ),
            artifact=lambda id: self.artifacts.get(id),  # noqa: A006
        )

    def project(self, name: str, entity: str | None = None) -> Node:
        owner = entity or self.entity
        if (owner, name) not in self.projects:
            collections, runs = dict[str, Node](), dict[str, Node]()
            project = Node(id=f"p-{name}", internalId="1", name=name, entityName=owner, collections=collections)
            project |= {"entity": Node(id="e1", name=owner), "runs": runs, "run": lambda name: runs.get(name)}
            project["artifactType"] = lambda name: self._type(collections, name)
            project["artifactCollection"] = lambda name: collections.get(name)
            project["artifactCollectionMembership"] = lambda name: self._membership(collections, name)
            self.projects[owner, name] = project
        return self.projects[owner, name]

    def _type(self, collections: dict[str, Node], name: str) -> Node | None:
        own = {key: each for key, each in collections.items() if each["defaultArtifactType"]["name"] == name}
        if not own:
            return None
        return Node(
            id=f"t-{name}",
            name=name,
            artifactCollection=lambda name: own.get(name),
            artifactCollections=lambda after=None, first=None, **_: connection(list(own.values()), after, first),
        )

    def _membership(self, collections: dict[str, Node], name: str) -> Node | None:
        collection, _, alias = name.partition(":")
        return collections[collection]["artifactMembership"](aliasName=alias) if collection in collections else None

    def collection(self, project: Node, name: str, kind: str = "model", **fields: Any) -> Node:
        """Return a collection: a portfolio in a registry, otherwise a sequence."""
        if name not in project["collections"]:
            of_registry = project["name"].startswith("wandb-registry-")
            members: list[Node] = []
            collection = Node(
                __typename="ArtifactPortfolio" if of_registry else "ArtifactSequence",
                id=f"c-{project['name']}-{name}",
                name=name,
                project=project,
                defaultArtifactType=Node(id=f"t-{kind}", name=kind),
                members=members,
                createdAt="2026-04-01T00:00:00",
                tags={"edges": [{"node": {"id": each, "name": each}} for each in fields.pop("tags", ())]},
                **fields,
            )
            collection["artifacts"] = lambda after=None, first=None, **_: self._versions(members, after, first)
            collection["artifactMembership"] = lambda **at: next(
                (each for each in members if at["aliasName"] in (f"v{each['versionIndex']}", *_names(each))), None
            )
            project["collections"][name] = collection
        made: Node = project["collections"][name]
        return made

    def _versions(self, members: list[Node], after: str | None, first: int | None) -> dict[str, Any]:
        page = connection(list(reversed(members)), after, first)
        for edge in page["edges"]:
            edge["version"], edge["node"] = f"v{edge['node']['versionIndex']}", edge["node"]["artifact"]
        return page

    def link(self, collection: Node, artifact: Node, *aliases: str) -> Node:
        """Add an artefact to a collection under the next number."""
        index = len(collection["members"])
        owned = [Node(id=f"a-{collection['id']}-{each}", alias=each, artifactCollection=collection) for each in aliases]
        artifact["aliases"] += owned
        member = Node(id=f"m-{collection['id']}-{index}", versionIndex=index, createdAt="2026-05-02T00:00:00")
        member |= {"aliases": owned, "artifactCollection": collection, "artifact": artifact}
        member["files"] = lambda names=None, after=None, first=None: connection(
            [each for each in artifact["stored"] if not names or each["name"] in names], after, first
        )
        collection["members"].append(member)
        return member

    def artifact(
        self,
        collection: Node,
        files: dict[str, bytes],
        *aliases: str,
        refs: dict[str, str] | None = None,
        **fields: Any,
    ) -> Node:
        """Log a version with files, which are stored, and with references."""
        identity = f"QXJ0aWZhY3Q6{len(self.artifacts)}"
        contents: dict[str, Any] = {
            path: {"digest": base64.b64encode(hashlib.md5(body).digest()).decode(), "size": len(body)}
            for path, body in files.items()
        }
        entry = {"digest": "etag", "size": 3, "extra": fields.pop("extra", {})}
        contents |= {path: {**entry, "ref": ref} for path, ref in (refs or {}).items()}
        manifest = {"version": 1, "storagePolicy": "wandb-storage-policy-v1", "contents": contents}
        manifest["storagePolicyConfig"] = {"storageLayout": "V2"}
        lines = (f"{path}:{contents[path]['digest']}\n" for path in sorted(contents))
        digest = hashlib.md5("".join(("wandb-artifact-manifest-v1\n", *lines)).encode()).hexdigest()
        artifact = Node(
            id=identity,
            artifactSequence=collection,
            versionIndex=len(collection["members"]),
            artifactType=collection["defaultArtifactType"],
            **{"ttlDurationSeconds": -2, "ttlIsInherited": True, "tags": [], "state": "COMMITTED", "metadata": "{}"},
            size=sum(map(len, files.values())),
            digest=digest,
            digestAlgorithm="MANIFEST_MD5",
            commitHash=f"hash{len(self.artifacts)}",
            fileCount=len(contents),
            createdAt="2026-05-01T09:00:00",
            aliases=[],
            currentManifest={"file": self.file(f"{identity}-manifest", json.dumps(manifest).encode())},
            stored=[self.file(path, body, f"{identity}/{path}") for path, body in files.items()],
        )
        artifact |= fields
        self.artifacts[identity] = artifact
        self.link(collection, artifact, *aliases)
        return artifact

    def file(self, name: str, body: bytes, place: str = "") -> Node:
        path = f"/storage/{place or name}"
        self.files[path] = body
        url = f"{self.address}{path}?X-Amz-Signature=signed"
        return Node(id=name, name=name, displayName=name, directUrl=url, url=url, sizeBytes=len(body), md5="")

    def run(self, project: Node, name: str, files: dict[str, bytes], inputs: list[Node], **fields: Any) -> Node:
        stored = [self.file(each, body, f"{name}/{each}") for each, body in files.items()]
        run = Node(__typename="Run", id=f"r-{name}", name=name, project=project, projectId="1", outputs=[])
        run |= {
            "state": "finished",
            "user": {"id": "u1", "name": "Ada", "username": "ada"},
            "readOnly": False,
            **fields,
        }
        run |= {"systemMetrics": "{}", "historyKeys": "{}", "historyLineCount": 0, "tags": fields.get("tags", [])}
        run["files"] = lambda names=None, after=None, first=None, **_: connection(
            [each for each in stored if not names or each["name"] in names], after, first
        )
        run["inputArtifacts"] = lambda after=None, first=None: connection(inputs, after, first)
        run["outputArtifacts"] = lambda after=None, first=None: connection(run["outputs"], after, first)
        project["runs"][name] = run
        return run

    def answer(self, sent: dict[str, Any]) -> dict[str, Any]:
        done = graphql_sync(
            _SCHEMA,
            sent["query"],
            self.root(),
            variable_values=sent.get("variables"),
            field_resolver=resolved,
            type_resolver=lambda value, *_: value["__typename"],
        )
        errors = [{"message": each.message} for each in done.errors or ()]
        return {"data": done.data, **({"errors": errors} if errors else {})}


_SCHEMA = build_schema(SCHEMA)


def _names(member: Node) -> list[str]:
    return [each["alias"] for each in member["aliases"]]


@contextmanager
def served(wandb: FakeWandb) -> Iterator[str]:
    """Serve on a free port of the loopback and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            wandb.asked.append((self.path, self.headers.get("Authorization")))
            expected = f"Basic {base64.b64encode(f'api:{wandb.key}'.encode()).decode()}"
            if wandb.denied:
                self._reply(wandb.denied, json.dumps({"errors": [{"message": "permission denied"}]}).encode())
            elif self.headers.get("Authorization") != expected:
                self._reply(401, json.dumps({"errors": [{"message": "user is not logged in"}]}).encode())
            else:
                self._reply(200, json.dumps(wandb.answer(body)).encode())

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            wandb.asked.append((self.path, self.headers.get("Authorization")))
            if url.path in wandb.files and url.query == "X-Amz-Signature=signed":
                self._reply(200, wandb.files[url.path])
            else:
                self._reply(404, b"<Error><Code>NoSuchKey</Code></Error>")

        def _reply(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        wandb.address = address
        yield address
