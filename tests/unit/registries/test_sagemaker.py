"""Versions of SageMaker: what is read, what it becomes, and what is said of the rest."""

import hashlib
import json
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pennant.cli.main import main
from pennant.record.document import model_version
from pennant.record.errors import RegisterError
from pennant.record.metrics import SPLITS
from pennant.registries.digest import verified
from pennant.registries.protocol import Failed, FoundVersion, NoAccess, NotThere, RegistryError, Selection, Skipped
from pennant.registries.sagemaker import training
from pennant.registries.sagemaker.card import RISKS
from pennant.registries.sagemaker.details import NO_JOB
from pennant.registries.sagemaker.record import REASON
from pennant.registries.sagemaker.registry import APPROVED, PAGE, SageMaker
from pennant.registries.sagemaker.reports import LARGEST
from unit.registries.fake_aws import ARN, BEGAN, JOB, MODEL, FakeAws, etag, full
from unit.registries.records import peak_of, short, spec

ALL = Selection(is_all=True)
REPORT = "s3://models/quality.json"


async def read(aws: FakeAws, selection: Selection = ALL, **options: Any) -> list[Any]:
    return [each async for each in SageMaker(aws, **options).versions("Churn", selection)]


async def one(aws: FakeAws, **options: Any) -> FoundVersion:
    found = (await read(aws, **options))[0]
    assert isinstance(found, FoundVersion), found
    return found


async def test_the_newest_version_and_the_newest_approved_one_are_read() -> None:
    """Rule: R214."""
    aws = FakeAws()
    for status in ("Approved", "Approved", "Rejected", "PendingManualApproval"):
        aws.add(ModelApprovalStatus=status)
    found = await read(aws, Selection())
    assert [(each.version, each.aliases) for each in found] == [("2", ("Approved",)), ("4", ())]
    found = await read(aws)
    assert [(each.version, each.aliases) for each in found] == [("1", ()), ("2", ("Approved",)), ("3", ()), ("4", ())]


async def test_since_reads_no_further_than_the_first_older_version() -> None:
    aws = FakeAws()
    for _ in range(3):
        aws.add()
    found = await read(aws, Selection(since=BEGAN + timedelta(days=2)))
    assert [each.version for each in found] == ["3", "2"]


async def test_all_groups_are_listed_and_one_is_named_by_its_arn() -> None:
    aws = full()
    assert [each async for each in SageMaker(aws).models()] == ["Churn"]
    found = [each async for each in SageMaker(aws).versions(f"{ARN}:model-package-group/Churn", ALL)]
    assert [each.model for each in found] == ["Churn"]
    with pytest.raises(NotThere):
        [each async for each in SageMaker(aws).versions("nope", ALL)]


async def test_what_the_card_the_life_cycle_and_the_training_job_say() -> None:
    found = await one(full())
    record = spec(found)
    assert (record.owner, record.risk and record.risk.tier) == ("growth", "Medium")
    assert record.intended_use == "Who leaves next month.\nOffers by mail."
    assert (record.reason, record.author and record.author.name) == ("new data", "Trainer/ada")
    assert [(each.name, each.value) for each in record.hyperparameters] == [
        ("eta", "0.1"),
        ("objective", "binary:logistic"),
    ]
    assert [(each.name, each.role, each.uri) for each in record.datasets] == [
        ("train", "Training", "s3://data/train"),
        ("extra", "Reference", "efs://fs-1"),
    ]
    assert [(each.name, each.value, each.split) for each in record.metrics] == [
        ("validation:auc", "0.9", "Validation"),
        ("f1", "0.8", "Test"),
    ]
    assert record.training is not None
    assert (record.training.run, record.training.started_at) == (JOB, BEGAN)
    assert record.source is not None
    assert (record.source.id, record.source.instance) == (f"{ARN}:model-package/churn/1", ARN)
    said = record.source.annotations
    assert {name: said[f"ModelLifeCycle.{name}"] for name in ("Stage", "StageStatus", "StageDescription")} == {
        "Stage": "Production",
        "StageStatus": "InProgress",
        "StageDescription": "canary",
    }
    assert (said["ModelApprovalStatus"], said["ApprovalDescription"]) == ("Approved", "looks fine")
    assert said["ModelCard.business_details.business_problem"] == "churn"
    assert said["ModelCard.additional_information.custom_details.ticket"] == "ML-7"
    assert (said["CustomerMetadataProperties.ticket"], said["group.tags.team"]) == ("ML-7", "growth")
    assert said["ModelCard.status"] == "Approved"
    assert not [name for name in said if "risk_rating" in name or "reason" in name]


async def test_no_secrets_get_into_the_record() -> None:
    aws = full()
    aws.packages[0]["MetadataProperties"] = {"CommitId": "v1", "Repository": "https://bot:hunter2@git.example/x"}
    aws.packages[0]["InferenceSpecification"]["Containers"][0]["Environment"] = {"HF_TOKEN": "hunter2"}
    aws.jobs[JOB]["HyperParameters"]["hf_token"] = "hunter2"
    found = await one(aws)
    assert "hunter2" not in json.dumps(dict(found.record))
    assert found.record["source"]["annotations"]["container.Environment"] == "HF_TOKEN"
    assert "hf_token has the name of a secret, so the record does not have its value" in found.unknown
    assert "CommitId is 'v1', which is no hash of a commit" in found.unknown


async def test_the_training_job_is_found_by_where_it_stores_its_model_and_only_if_it_made_it() -> None:
    aws = full()
    del aws.packages[0]["ModelCard"]
    assert spec(await one(aws)).training is not None
    aws.jobs[JOB]["ModelArtifacts"] = {"S3ModelArtifacts": "s3://models/other/model.tar.gz"}
    found = await one(aws)
    assert spec(found).training is None
    assert NO_JOB in found.unknown
    # A model that is not compressed is a directory.
    source = {"S3Uri": f"s3://models/{JOB}/output/model/", "S3DataType": "S3Prefix"}
    container = {"ModelDataSource": {"S3DataSource": source}}
    aws.packages[0]["InferenceSpecification"]["Containers"] = [container]
    aws.jobs[JOB]["ModelArtifacts"] = {"S3ModelArtifacts": f"s3://models/{JOB}/output/model"}
    assert spec(await one(aws)).training is not None


async def test_a_training_job_that_was_deleted_is_told_and_the_card_counts() -> None:
    aws = full()
    del aws.jobs[JOB]
    card = json.loads(aws.packages[0]["ModelCard"]["ModelCardContent"])
    card["training_details"]["training_job_details"] |= {
        "hyper_parameters": [{"name": "eta", "value": "0.2"}],
        "training_datasets": ["s3://data/train"],
        "training_environment": {"container_image": [f"registry.example/x@sha256:{'a' * 64}"]},
        "training_metrics": [{"name": "loss", "value": 0.1}],
    }
    aws.packages[0]["ModelCard"]["ModelCardContent"] = json.dumps(card)
    found = await one(aws)
    record = spec(found)
    assert f"the training job {JOB} was deleted, with its parameters, data sets and metrics" in found.unknown
    assert [each.value for each in record.hyperparameters] == ["0.2"]
    assert [each.uri for each in record.datasets] == ["s3://data/train"]
    assert record.environment is not None
    assert record.environment.image_digest == f"sha256:{'a' * 64}"
    assert [(each.name, each.split) for each in record.metrics] == [("loss", "Train"), ("f1", "Test")]


async def test_the_digest_is_that_of_s3_if_it_still_has_what_was_registered() -> None:
    """Rule: R215."""
    aws = full()
    sha256 = f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    artifact = (await one(aws)).record["artifacts"][0]
    assert (artifact["digest"], artifact["sizeBytes"]) == (f"etag:{etag(b'weights')}", 7)
    aws.checksums.add(MODEL)
    assert (await one(aws)).record["artifacts"][0]["digest"] == sha256
    container = aws.packages[0]["InferenceSpecification"]["Containers"][0]
    container["ModelDataETag"] = f'"{etag(b"weights")}"'
    found = await one(aws)
    assert found.record["artifacts"][0]["digest"] == sha256
    assert found.record["source"]["annotations"]["digest.model"] == f"etag:{etag(b'weights')}"
    aws.objects[MODEL] = b"others!"
    found = await one(aws)
    assert found.record["artifacts"][0] == {
        "name": "model",
        "uri": MODEL,
        "digest": f"etag:{etag(b'weights')}",
        "format": {"name": "xgboost"},
    }
    assert found.unknown[0].startswith(f"{MODEL} was replaced after the registration: its ETag is")
    with pytest.raises(RegistryError, match="replaced after the registration"):
        await verified(SageMaker(aws), found)


async def test_a_checksum_of_parts_is_no_digest() -> None:
    aws = full()
    aws.checksums.add(MODEL)
    answer = dict(await aws.s3("head_object", Bucket="models", Key=MODEL.removeprefix("s3://models/")))
    answer["ChecksumType"] = "COMPOSITE"

    async def s3(operation: str, **_: Any) -> Any:
        return answer

    aws.s3 = s3  # type: ignore[method-assign]
    assert (await one(aws)).record["artifacts"][0]["digest"].startswith("etag:")


async def test_verify_hashes_the_bytes_and_keeps_the_other_digest() -> None:
    aws = full()
    found = await verified(SageMaker(aws), await one(aws))
    assert found["artifacts"][0]["digest"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    assert found["source"]["annotations"]["digest.model"] == f"etag:{etag(b'weights')}"


async def test_the_files_below_a_prefix_are_listed_page_by_page() -> None:
    aws = FakeAws(objects={f"s3://models/llm/{name}": name.encode() for name in ("a.safetensors", "b/c.json", "d/")})
    aws.objects |= {"s3://models/llm/d/": b"", "s3://models/llm-2/x": b"x"}
    container = {
        "ContainerHostname": "Server_1",
        "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://models/llm/", "S3DataType": "S3Prefix"}},
        "AdditionalModelDataSources": [{"ChannelName": "adapter", "S3DataSource": {"S3Uri": "s3://models/llm-2/x"}}],
    }
    aws.add(InferenceSpecification={"Containers": [container]})
    found = await one(aws)
    assert [(each["name"], each["uri"]) for each in found.record["artifacts"]] == [
        ("server-1", "s3://models/llm/"),
        ("adapter", "s3://models/llm-2/x"),
    ]
    files = [(each.artifact, each.path) async for each in SageMaker(aws).files(found)]
    assert files == [("server-1", "a.safetensors"), ("server-1", "b/c.json"), ("adapter", "")]
    artifacts = (await verified(SageMaker(aws), found))["artifacts"]
    lines = "".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}\n" for n in ("a.safetensors", "b/c.json"))
    assert artifacts[0]["manifestDigest"] == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


async def test_a_list_of_objects_without_an_end_is_an_error() -> None:
    aws = FakeAws(objects={f"s3://models/llm/{name}": b"x" for name in "abc"}, repeats=True)
    source = {"S3DataSource": {"S3Uri": "s3://models/llm/", "S3DataType": "S3Prefix"}}
    aws.add(InferenceSpecification={"Containers": [{"ModelDataSource": source}]})
    found = await one(aws)
    with pytest.raises(RegistryError, match="the list of s3://models/llm/ gives the same page again"):
        await short(SageMaker(aws).files(found))


async def test_a_container_without_model_data_has_its_image_as_the_artefact() -> None:
    aws = FakeAws()
    container = {"Image": "registry.example/x:1", "ImageDigest": f"SHA256:{'A' * 64}"}
    aws.add(InferenceSpecification={"Containers": [container]})
    found = await one(aws)
    assert found.record["artifacts"] == [
        {"name": "image", "uri": "registry.example/x:1", "digest": f"sha256:{'a' * 64}"}
    ]
    with pytest.raises(RegistryError, match="whose bytes are not in S3; leave --verify out"):
        await verified(SageMaker(aws), found)


async def test_a_version_without_an_artefact_fails_and_the_others_are_read() -> None:
    aws = FakeAws()
    aws.add(InferenceSpecification={})
    aws.add(InferenceSpecification=None, SourceUri="s3://models/x.onnx")
    found = await read(aws)
    assert "has no artefact of it" in found[0].why
    assert found[1].record["artifacts"][0] == {"name": "model", "uri": "s3://models/x.onnx", "format": {"name": "onnx"}}


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Failed", "Deleting"])
async def test_a_version_that_is_not_completed_is_skipped(status: str) -> None:
    aws = full()
    aws.packages[0]["ModelPackageStatus"] = status
    assert await read(aws) == [Skipped("Churn", "1", f"its status is {status}")]


def with_report(
    content: Any, digest: str | None = None, part: str = "ModelQuality", kind: str = "Statistics"
) -> FakeAws:
    aws = full()
    aws.objects[REPORT] = content if isinstance(content, bytes) else json.dumps(content).encode()
    source = {"S3Uri": REPORT, "ContentType": "application/json", **({"ContentDigest": digest} if digest else {})}
    aws.packages[0]["ModelMetrics"] = {part: {kind: source}}
    return aws


async def test_the_metrics_of_a_report_on_model_quality() -> None:
    content = {
        "dataset": {"item_count": 7},
        "regression_metrics": {"mse": {"value": 4.0, "standard_deviation": 0.1}, "per_class": {"a": {"value": 1}}},
        "latency_ms": 12,
        "curve": [0.1],
    }
    record = spec(await one(with_report(content)))
    assert [(each.name, each.value) for each in record.metrics[2:]] == [
        ("mse", "4.0"),
        ("per_class/a", "1.0"),
        ("latency_ms", "12.0"),
    ]
    digest = f"sha256:{hashlib.sha256(json.dumps(content).encode()).hexdigest()}"
    assert [(each.name, each.digest) for each in record.reports] == [("model-quality-statistics", digest)]


async def test_the_metrics_of_a_report_on_bias_have_the_group_of_people() -> None:
    metrics = [{"name": "DI", "value": 0.9}, {"name": "DPL", "value": None}]
    content = {"post_training_bias_metrics": {"facets": {"sex": [{"value_or_threshold": "f", "metrics": metrics}]}}}
    found = spec(await one(with_report(content, part="Bias", kind="PostTrainingReport"))).metrics[-1]
    assert (found.name, found.value, found.slice, found.category) == ("DI", "0.9", "sex=f", "Fairness")


@pytest.mark.parametrize(
    ("content", "digest", "said"),
    [
        (b"{", None, "is no JSON, so its metrics are not known"),
        ({}, None, "has no metrics of a form that is known"),
        ({"auc": 1}, f"sha256:{'0' * 64}", "and SageMaker has sha256:000"),
        (b" " * (4 << 20) + b" ", None, "it has more than 4 MiB"),
    ],
)
async def test_a_report_that_gives_no_metrics_is_told(content: Any, digest: str | None, said: str) -> None:
    found = await one(with_report(content, digest))
    assert any(said in each for each in found.unknown), found.unknown
    assert len(spec(found).metrics) == 2


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("list_tags", "the tags of the group cannot be read: denied"),
        ("head_object", "cannot be read in S3, so its size and its sha256 are not known: denied"),
        ("describe_training_job", f"the training job {JOB} cannot be read: denied"),
        ("get_object", "cannot be read, so its metrics are not known: denied"),
    ],
)
async def test_what_may_not_be_read_is_told_and_the_rest_is_imported(operation: str, said: str) -> None:
    aws = with_report({"auc": 1})
    aws.broken[operation] = RegistryError("denied")
    assert any(said in each for each in (await one(aws)).unknown)
    aws.broken[operation] = NoAccess("expired")
    with pytest.raises(NoAccess):
        await read(aws)


async def test_the_repository_can_be_given() -> None:
    aws = full()
    aws.packages[0]["MetadataProperties"] = {"CommitId": "0123456789ABCDEF0123456789abcdef01234567"}
    assert any("give it with --repository" in each for each in (await one(aws)).unknown)
    code = spec(await one(aws, repository="https://git.example/churn.git")).code
    assert code is not None
    assert code.commit == "0123456789abcdef0123456789abcdef01234567"


def many(count: int) -> FakeAws:
    """Return a SageMaker with versions whose files are gone."""
    aws = FakeAws()
    for _ in range(count):
        aws.add("s3://models/gone")
    return aws


async def test_two_thousand_versions_are_read_page_by_page() -> None:
    aws = many(2_000)
    began = process_time()
    numbers = [int(each.version) async for each in SageMaker(aws).versions("Churn", ALL)]
    assert numbers == list(range(1, 2_001))
    assert aws.asked.count("list_model_packages") == 1 + 2_000 / PAGE
    # Processor time, because the tests share the machine.
    assert process_time() - began < 6


async def test_many_versions_need_the_memory_of_a_page() -> None:
    fakes = [many(count) for count in (200, 2000)]
    few, most = [await peak_of(SageMaker(each).versions("Churn", ALL), each.asked) for each in fakes]
    assert most < few + 1_000_000


async def test_the_same_page_again_is_not_asked_for_ever() -> None:
    aws = FakeAws(repeats=True)
    for _ in range(300):
        aws.add()
    with pytest.raises(RegistryError, match="gives the same page again"):
        await read(aws)


async def test_a_list_of_another_form_is_an_error() -> None:
    aws = full()
    del aws.packages[0]["ModelPackageArn"]
    with pytest.raises(RegistryError, match="gives an item without a name or a version"):
        await read(aws)


def test_a_client_that_is_missing_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "pennant.registries.sagemaker.connection", raising=False)
    assert main(["import", "sagemaker"]) == 1
    assert "needs boto3, which is not installed; install it with `pip install 'pennant[sagemaker]'`" in (
        capsys.readouterr().err
    )


def test_the_page_names_each_word_and_each_limit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "import-from-sagemaker.md").read_text(encoding="utf-8")
    for word in (*SPLITS, REASON, APPROVED, training.OWN, *RISKS.values()):
        assert word in page, word
    for limit in (PAGE, LARGEST >> 20):
        assert str(limit) in page, limit


NAMES = st.sampled_from(
    ["Containers", "ModelDataUrl", "S3Uri", "ModelDataSource", "S3DataSource", "Image", "value", "name", "metrics"]
)
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from([MODEL, REPORT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "InferenceSpecification",
        "SourceAlgorithmSpecification",
        "ModelMetrics",
        "DriftCheckBaselines",
        "ModelCard",
        "CustomerMetadataProperties",
        "MetadataProperties",
        "ModelLifeCycle",
        "CreatedBy",
        "SourceUri",
        "CreationTime",
        "SecurityConfig",
        "AdditionalInferenceSpecifications",
        "ModelPackageDescription",
    ]
)


@given(st.dictionaries(FIELDS, SHAPES, max_size=4), SHAPES, st.dictionaries(NAMES, SHAPES, max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_answers_of_any_form_fail_one_version_at_most(package: Any, report: Any, card: Any) -> None:
    aws = with_report(report)
    aws.packages[0]["ModelCard"] = {"ModelCardContent": json.dumps(card)}
    summary = dict(aws.packages[0])
    aws.packages[0] |= package

    async def listed(operation: str, **params: Any) -> Any:
        if operation == "list_model_packages":
            return {"ModelPackageSummaryList": [summary]}
        return await type(aws).sagemaker(aws, operation, **params)

    aws.sagemaker = listed  # type: ignore[method-assign]
    (found,) = await read(aws)
    assert isinstance(found, FoundVersion | Failed)
    if isinstance(found, FoundVersion):
        # A value that no record can have is an error of this version.
        with suppress(RegisterError):
            model_version({"model": "m", "version": "1", **found.record})
