"""`import sagemaker` with the AWS client for Python: from moto's server, and with its errors."""

import hashlib
import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from pennant.cli.main import main
from pennant.cli.manifests.findings import report
from pennant.registries.protocol import FoundVersion, NoAccess, NotThere, Refused, RegistryError, Selection, Unreadable
from pennant.registries.sagemaker.calls import Place
from pennant.registries.sagemaker.client import Client
from pennant.registries.sagemaker.registry import SageMaker
from registries.seeded_sagemaker import BUCKET, GROUP, JOB, WEIGHTS, put, seed
from unit.http_server import serving
from unit.registries.fake_aws import BEGAN, CARD

# Of the AWS client's own use of a function of Python that is going to change.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

MANIFESTS = ("churn-models-1", "churn-models-2", "churn-models-3")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    made = {name: client(name, address) for name in ("sagemaker", "s3")}
    seed(made["sagemaker"], made["s3"])
    yield address
    moto.stop()


def client(name: str, address: str | None = None) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    return boto3.client(name, region_name="us-east-1", endpoint_url=address, config=config, **keys)


@pytest.fixture(autouse=True)
def variables(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = main(["import", "sagemaker", *args])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_version_has_what_its_pipeline_registered(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capsys, "--all-versions", GROUP)
    assert (code, err.splitlines()[-1]) == (0, "3 imported")
    assert [each for each in report([("out", out)]).findings if each.severity == "error"] == []
    first, second, _ = yaml.safe_load_all(out)
    spec = first["spec"]
    assert spec["artifacts"][0]["digest"] == f"sha256:{hashlib.sha256(WEIGHTS + b'1').hexdigest()}"
    assert second["spec"]["artifacts"][0]["digest"].startswith("etag:")
    assert (spec["reason"], spec["description"]) == ("new data", "trees on the data of April")
    assert spec["code"]["repository"] == "https://git.example/churn.git"
    assert spec["environment"]["imageDigest"] == f"sha256:{'a' * 64}"
    assert [(each["name"], each["role"]) for each in spec["datasets"]] == [
        ("train", "Training"),
        ("validation", "Validation"),
    ]
    assert spec["hyperparameters"][1] == {"name": "objective", "value": "binary:logistic"}
    metrics = {each["name"]: each["value"] for each in spec["metrics"]}
    assert (metrics["auc"], metrics["accuracy"], metrics["CI"]) == ("0.91", "0.87", "-0.21")
    assert (spec["training"]["run"], spec["training"]["pipeline"]) == (JOB, "churn")
    assert [each["name"] for each in spec["reports"]] == [
        "model-quality-statistics",
        "bias-pre-training-report",
        "explainability-report",
        "drift-model-quality-constraints",
    ]
    # moto keeps the tags of a group, and a profile of its own as the author.
    assert spec["source"]["annotations"]["group.tags.team"] == "growth"
    assert "secret" not in out


def test_it_is_imported_once_and_unchanged_the_second_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = ran(capsys, "--write", str(tmp_path))
    # The newest one, and the newest one that is approved.
    assert (code, err.splitlines()[-1]) == (0, "2 imported")
    assert {each.name for each in tmp_path.glob("*.yaml")} == {f"{each}.yaml" for each in MANIFESTS[1:]}
    code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions")
    assert (code, err.splitlines()[-1]) == (0, "1 imported, 2 unchanged")


def test_the_newest_approved_version_gets_the_tag(capsys: pytest.CaptureFixture[str]) -> None:
    """Rule: R214."""
    code, out, _ = ran(capsys, "--tag-alias=Approved=production", "--all-versions", GROUP)
    tags = {each["metadata"]["name"]: each["spec"].get("tags") for each in yaml.safe_load_all(out)}
    assert (code, tags) == (0, dict(zip(MANIFESTS, (None, ["production"], None), strict=True)))


def test_the_bytes_are_hashed_and_those_that_were_replaced_are_an_error(
    capsys: pytest.CaptureFixture[str], server: str, tmp_path: Path
) -> None:
    """Rule: R215."""
    s3 = client("s3", server)
    try:
        code, out, err = ran(capsys, "--verify", "--all-versions", "-o", "yaml", GROUP)
        digests = [each["spec"]["artifacts"][0]["digest"] for each in yaml.safe_load_all(out)]
        assert digests == [f"sha256:{hashlib.sha256(WEIGHTS + n).hexdigest()}" for n in (b"1", b"2", b"3")]
        assert (code, err.splitlines()[-2]) == (0, "digests of artefacts: 3 Verified")
        ran(capsys, "--write", str(tmp_path), "--verify", "--all-versions", GROUP)
        # Without reading the bytes, nothing contradicts.
        code, _, err = ran(capsys, "--write", str(tmp_path), "--all-versions", GROUP)
        assert (code, err.splitlines()[-1]) == (0, "0 imported, 3 unchanged")
        put(s3, "plain/model.tar.gz", b"others")
        code, _, err = ran(capsys, "--verify", "--all-versions", "-o", "name", GROUP)
        assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "2 imported, 1 failed")
        assert f"error: {GROUP} 2: the object was replaced after the registration" in err
    finally:
        put(s3, "plain/model.tar.gz", WEIGHTS + b"2")


def test_since_and_pages(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pennant.registries.sagemaker.registry.PAGE", 1)
    code, out, _ = ran(capsys, "--all-versions", "-o", "name")
    assert (code, out.split()) == (0, [f"modelversion.pennant.dev/{each}" for each in MANIFESTS])
    code, out, err = ran(capsys, "--since=2999-01-01", "-o", "name", GROUP)
    assert (code, out, err.splitlines()[-1]) == (0, "", "0 imported")


def test_a_group_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ran(capsys, "nope", GROUP, "-o", "name")
    assert (code, err.splitlines()[-1].partition(".")[0]) == (1, "2 imported, 1 failed")
    assert "error: nope: not found: " in err


@pytest.mark.parametrize(
    ("given", "removed", "args", "said"),
    [
        ({}, "AWS_DEFAULT_REGION", (), "no region is given; use --from REGION, such as eu-west-1, or set AWS_REGION"),
        ({}, "AWS_ACCESS_KEY_ID", (), "there are no AWS credentials that can be used"),
        ({"AWS_PROFILE": "nope"}, None, (), "The config profile (nope) could not be found"),
        ({}, None, ("--from=http://127.0.0.1:9",), 'Could not connect to the endpoint URL: "http://127.0.0.1:9/"'),
        ({}, None, ("--from=ftp://x",), "ftp://x is no address of SageMaker; write it as https://HOST:PORT"),
        ({}, None, ("--from=not a region",), "SageMaker cannot be opened: "),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    removed: str | None,
    args: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if removed is not None:
        monkeypatch.delenv(removed)
    code, out, err = ran(capsys, *args)
    assert (code, out) == (1, "")
    assert said in err, err


@pytest.mark.parametrize("body", ["<html>Sign in</html>", '{"ModelPackageGroupSummaryList": [{"ModelPack', "{}", "[]"])
@pytest.mark.parametrize("models", [(), (GROUP,)])
def test_a_server_that_is_no_sagemaker(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, body: str, models: tuple[str, ...]
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with serving(Handler) as address:
        code, out, err = ran(capsys, f"--from={address}", *models)
    assert (code, out) == (1, "")
    assert "Is this the address of SageMaker?" in err, err


@pytest.mark.parametrize(
    ("code", "status", "text", "kind", "said"),
    [
        ("ThrottlingException", 400, "Rate exceeded", RegistryError, "AWS asks to wait (ThrottlingException)"),
        ("AccessDeniedException", 400, "no", NoAccess, "AWS does not allow list_model_package_groups"),
        ("ExpiredTokenException", 400, "expired", NoAccess, "the AWS credentials have expired: expired. Log in again"),
        ("UnrecognizedClientException", 400, "bad token", NoAccess, "AWS does not accept the credentials"),
        ("ValidationException", 400, "X does not exist.", NotThere, "not found: X does not exist"),
        ("InternalFailure", 500, "oops", Unreadable, "list_model_package_groups fails with HTTP 500: oops"),
        ("ValidationException", 400, "1 error", Refused, "list_model_package_groups is refused (ValidationException)"),
    ],
)
async def test_errors_of_aws_say_what_to_do(code: str, status: int, text: str, kind: Any, said: str) -> None:
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_client_error("list_model_package_groups", code, text, status)
        with pytest.raises(kind) as raised:
            [each async for each in SageMaker(Client(sagemaker, client("s3"))).models()]
    assert type(raised.value) is kind
    assert said in str(raised.value)


async def test_an_object_that_was_deleted_is_named() -> None:
    s3 = client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", "NoSuchKey", "The specified key does not exist.", 404)
        with pytest.raises(
            NotThere, match=r"no object s3://models/churn/m\.tar\.gz, .*Restore it, .* without --verify"
        ):
            [part async for part in Client(client("sagemaker"), s3).content(Place("models", "churn/m.tar.gz"))]


async def test_a_permission_that_is_missing_later_is_an_error_of_one_version() -> None:
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_response("list_model_package_groups", {"ModelPackageGroupSummaryList": []})
        stub.add_client_error("describe_model_package_group", "AccessDeniedException", "no", 400)
        opened = SageMaker(Client(sagemaker, client("s3")))
        assert [each async for each in opened.models()] == []
        with pytest.raises(RegistryError, match="Give the role this permission") as raised:
            [each async for each in opened.versions("Churn", Selection())]
    assert not isinstance(raised.value, NoAccess)


async def test_what_moto_does_not_keep_has_the_form_that_the_client_knows() -> None:
    """The client checks the answers of the stub against its own description of the service."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/1"
    summary = {
        "ModelPackageArn": arn,
        "ModelPackageGroupName": "Churn",
        "ModelPackageVersion": 1,
        "ModelPackageStatus": "Completed",
        "CreationTime": BEGAN,
    }
    package = {
        **summary,
        "ModelPackageName": "churn",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": "registry.example/x:1",
                    "ModelDataSource": {
                        "S3DataSource": {
                            "S3Uri": f"s3://{BUCKET}/llm/",
                            "S3DataType": "S3Prefix",
                            "CompressionType": "None",
                            "ManifestS3Uri": f"s3://{BUCKET}/llm.csv",
                        }
                    },
                    "BaseModel": {"HubContentName": "llama", "HubContentVersion": "1.0.0"},
                }
            ]
        },
        "ModelCard": {"ModelCardContent": json.dumps(CARD), "ModelCardStatus": "Approved"},
        "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved", "StageDescription": "go"},
        "SourceUri": "arn:aws:sagemaker:us-east-1:123456789012:experiment/x",
        "SecurityConfig": {"KmsKeyId": "key-1"},
    }
    group = {
        "ModelPackageGroupName": "Churn",
        "ModelPackageGroupArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/churn",
        "CreationTime": BEGAN,
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    sagemaker = client("sagemaker")
    with Stubber(sagemaker) as stub:
        stub.add_response("describe_model_package_group", group)
        stub.add_response("list_tags", {"Tags": []})
        stub.add_response("list_model_packages", {"ModelPackageSummaryList": []})
        stub.add_response("list_model_packages", {"ModelPackageSummaryList": [summary]})
        stub.add_response("describe_model_package", package)
        stub.add_client_error("describe_training_job", "ResourceNotFound", "Requested resource not found.", 400)
        (found,) = [
            each async for each in SageMaker(Client(sagemaker, client("s3"))).versions("Churn", Selection(is_all=True))
        ]
        stub.assert_no_pending_responses()
    assert isinstance(found, FoundVersion), found
    assert found.record["artifacts"] == [
        {"name": "model", "uri": f"s3://{BUCKET}/llm/", "manifestUri": f"s3://{BUCKET}/llm.csv"}
    ]
    assert found.record["baseModel"] == {"name": "llama", "revision": "1.0.0"}
    assert found.record["risk"] == {"tier": "Medium"}
    assert found.record["source"]["annotations"]["ModelLifeCycle.Stage"] == "Production"
    assert found.record["source"]["annotations"]["SecurityConfig.KmsKeyId"] == "key-1"
