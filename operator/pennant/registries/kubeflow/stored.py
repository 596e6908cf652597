"""Where an artefact of Kubeflow is in an object store."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from pennant.api.meta import Json
from pennant.record.remote import OBJECT_STORES
from pennant.registries.bucket import RETRIES, Bucket, opened
from pennant.registries.protocol import RegistryError

HINT = "Its credentials are those of the object store, such as AWS_ACCESS_KEY_ID, not those of the registry"


def bucket(artifact: Json) -> Bucket:
    """Return the place of an artefact; raises `RegistryError` where it is in no object store.

    Kubeflow's client writes the endpoint and the region of S3 into the query, as `?endpoint=...&defaultRegion=...`.
    """
    name, uri = artifact["name"], str(artifact["uri"])
    parts = urlsplit(uri)
    if parts.scheme.lower() not in OBJECT_STORES:
        raise RegistryError(f"the artefact {name} is {uri}, and only object stores can be read; leave --verify out")
    options: dict[str, Any] = {"retry_config": dict(RETRIES)}
    if parts.scheme in ("http", "https"):
        if parts.query:
            raise RegistryError(f"the artefact {name} is {uri}, which has a query; leave --verify out")
        directory, _, path = parts.path.rpartition("/")
        base = parts._replace(path=directory, fragment="").geturl()
        options["client_options"] = {"allow_http": parts.scheme == "http"}
        return Bucket(opened(lambda stores: stores.from_url(base, **options), uri), path, uri, HINT, can_list=False)
    given = {key: values[0] for key, values in parse_qs(parts.query).items()}
    if endpoint := given.get("endpoint"):
        options |= {"endpoint": endpoint, "client_options": {"allow_http": endpoint.startswith("http://")}}
        options |= {"region": given["defaultRegion"]} if "defaultRegion" in given else {}
    base = parts._replace(path="", query="", fragment="").geturl()
    return Bucket(opened(lambda stores: stores.from_url(base, **options), uri), parts.path, uri, HINT)
