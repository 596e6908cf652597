"""An archive in a bucket uses what obstore finds in the environment: seen by the requests that a server gets.

`tests/registries/test_archive.py` writes to a server that speaks S3.
"""

import ast
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import obstore
import pytest

from pennant.archive import client_options
from pennant.archive.place import SCHEMES, opened
from pennant.fetching.sources import store
from pennant.ports import Unavailable
from unit.http_server import serving

AWS = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "secret"}
AZURE = {
    "AZURE_STORAGE_ACCOUNT_NAME": "account",
    "AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(b"secret").decode(),
}


@dataclass(frozen=True)
class Seen:
    path: str
    host: str
    authorization: str
    client: str


@dataclass
class Server:
    address: str
    seen: list[Seen]


@pytest.fixture
def server() -> Iterator[Server]:
    seen: list[Seen] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = (self.headers.get(each, "") for each in ("Host", "Authorization", "User-Agent"))
            seen.append(Seen(self.path, *said))
            self.send_response(200)
            self.send_header("ETag", '"x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield Server(address, seen)


@pytest.fixture
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the variables of a cloud; `$SERVER` in them is the address of the server."""

    def given(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("$SERVER", server.address))

    return given


async def written(where: str) -> None:
    place = opened(where)
    try:
        assert await place.create("1.jsonl", b"one\n")
    finally:
        place.close()


@pytest.mark.parametrize("endpoint", ["AWS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("region", ["AWS_REGION", "AWS_DEFAULT_REGION"])
async def test_s3_uses_the_credentials_the_region_and_the_endpoint_of_the_environment(
    server: Server, environment: Any, endpoint: str, region: str
) -> None:
    environment(AWS | {endpoint: "$SERVER", region: "eu-central-1", "AWS_ALLOW_HTTP": "true"})
    await written("s3://bucket/pennant")
    (seen,) = server.seen
    assert seen.path == "/bucket/pennant/1.jsonl"
    assert re.match(r"AWS4-HMAC-SHA256 Credential=ada/\d{8}/eu-central-1/s3/", seen.authorization)


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "on"])
async def test_http_without_tls_is_permitted_by_each_word_that_obstore_knows(
    server: Server, environment: Any, value: str
) -> None:
    environment(AWS | {"AWS_ENDPOINT_URL": "$SERVER", "AWS_ALLOW_HTTP": value})
    await written("s3://bucket/pennant")
    assert server.seen


@pytest.mark.parametrize("variables", [{}, {"AWS_ALLOW_HTTP": "false"}, {"AZURE_ALLOW_HTTP": "true"}])
async def test_http_without_tls_is_refused_unless_it_is_permitted(
    server: Server, environment: Any, variables: dict[str, str]
) -> None:
    environment(AWS | {"AWS_ENDPOINT_URL": "$SERVER"} | variables)
    with pytest.raises(Unavailable):
        await written("s3://bucket/pennant")
    assert not server.seen


async def test_azure_uses_the_account_and_the_endpoint_of_the_environment(server: Server, environment: Any) -> None:
    environment(AZURE | {"AZURE_STORAGE_ENDPOINT": "$SERVER", "AZURE_ALLOW_HTTP": "true"})
    await written("az://container/pennant")
    await written("abfss://container@account.dfs.core.windows.net/pennant")
    assert {each.path for each in server.seen} == {"/container/pennant/1.jsonl"}
    assert all(each.authorization.startswith("SharedKey account:") for each in server.seen)


@pytest.mark.parametrize("form", ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY"])
async def test_google_uses_the_service_account_of_the_environment(
    server: Server, environment: Any, form: str, tmp_path: Path
) -> None:
    of_account = {"client_email": "a@b", "private_key": "", "private_key_id": "", "disable_oauth": True}
    account = json.dumps(of_account | {"gcs_base_url": server.address})
    (tmp_path / "account.json").write_text(account, encoding="utf-8")
    value = account if form.endswith("_KEY") else str(tmp_path / "account.json")
    environment({form: value, "GOOGLE_ALLOW_HTTP": "true"})
    await written("gs://bucket/pennant")
    assert [unquote(each.path) for each in server.seen] == ["/bucket/pennant/1.jsonl"]


async def test_a_proxy_and_the_name_of_the_client_are_those_of_the_environment(
    server: Server, environment: Any
) -> None:
    of_client = {"AWS_PROXY_URL": "$SERVER", "AWS_USER_AGENT": "auditor", "AWS_ALLOW_HTTP": "true"}
    environment(AWS | of_client | {"AWS_ENDPOINT_URL": "http://store.example"})
    await written("s3://bucket/pennant")
    (seen,) = server.seen
    assert (seen.host, seen.client) == ("store.example", "auditor")


def test_pennant_fetch_reads_the_same_options(server: Server, environment: Any) -> None:
    environment(AWS | {"AWS_ENDPOINT_URL": "$SERVER", "AWS_ALLOW_HTTP": "1", "AWS_USER_AGENT": "auditor"})
    obstore.put(store.Store("s3://bucket/model")._store, "model", b"x")
    assert [(each.path, each.client) for each in server.seen] == [("/bucket/model", "auditor")]


def test_what_the_environment_gives_replaces_the_default_and_other_variables_are_no_options() -> None:
    environment = {"AWS_TIMEOUT": "5s", "AZURE_TIMEOUT": "6s", "AWS_REGION": "eu-central-1", "TIMEOUT": "7s"}
    assert client_options.client_options("s3", environment, timeout="20s", connect_timeout="5s") == {
        "timeout": "5s",
        "connect_timeout": "5s",
    }
    assert client_options.client_options("gs", environment, timeout="20s") == {"timeout": "20s"}


def test_all_options_of_obstore_and_all_schemes_are_known() -> None:
    stub = Path(obstore.__file__).parent / "_store" / "_client.pyi"
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    (config,) = (each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "ClientConfig")
    named = {
        each.target.id for each in config.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    # obstore takes these two from code alone.
    assert named - {"default_headers", "root_certificate"} == set(client_options.OPTIONS)
    assert set(SCHEMES) | store.SCHEMES == set(client_options.PREFIXES)
