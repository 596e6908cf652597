"""SageMaker and S3 in memory, with the answers that the AWS client returns."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pennant.api.meta import Json
from pennant.registries.protocol import NotThere, Refused
from pennant.registries.sagemaker.calls import Place

BEGAN = datetime(2026, 5, 1, 9, tzinfo=UTC)
ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
JOB = "churn-2026-05-01"
MODEL = f"s3://models/{JOB}/output/model.tar.gz"
CARD: Json = {
    "model_overview": {"model_owner": "growth", "model_creator": "ada", "problem_type": "Binary Classification"},
    "intended_uses": {
        "purpose_of_model": "Who leaves next month.",
        "intended_uses": "Offers by mail.",
        "risk_rating": "Medium",
        "factors_affecting_model_efficiency": "season",
    },
    "business_details": {"business_problem": "churn", "line_of_business": "retail"},
    "training_details": {"training_job_details": {"training_arn": f"{ARN}:training-job/{JOB}"}},
    "evaluation_details": [
        {
            "name": "on test data",
            "metric_groups": [
                {"name": "binary", "metric_data": [{"name": "f1", "type": "number", "value": 0.8}, {"name": "curve"}]}
            ],
        }
    ],
    "additional_information": {"ethical_considerations": "none known", "custom_details": {"ticket": "ML-7"}},
}


@dataclass
class FakeAws:
    """Implements `Calls`."""

    packages: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """By URI."""
    checksums: set[str] = field(default_factory=set)
    """URIs of objects whose sha256 S3 has."""
    broken: dict[str, Exception] = field(default_factory=dict)
    """By operation."""
    tags: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    repeats: bool = False
    """Whether each list gives its second page again and again."""

    async def sagemaker(self, operation: str, **params: Any) -> Json:
        self._ask(operation)
        match operation:
            case "list_model_package_groups":
                return {"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": "Churn"}]}
            case "describe_model_package_group":
                if params["ModelPackageGroupName"].rpartition("/")[2] != "Churn":
                    raise NotThere("not found: no such group")
                return {"ModelPackageGroupName": "Churn", "ModelPackageGroupArn": f"{ARN}:model-package-group/churn"}
            case "list_tags":
                return {"Tags": self.tags}
            case "list_model_packages":
                return self._listed(**params)
            case "describe_model_package":
                return next(e for e in self.packages if e["ModelPackageArn"] == params["ModelPackageName"])
        if (job := self.jobs.get(params["TrainingJobName"])) is None:
            raise NotThere("not found: Requested resource not found")
        return job

    def _listed(self, MaxResults: int, SortOrder: str, NextToken: str = "0", **params: Any) -> Json:  # noqa: N803
        status = params.get("ModelApprovalStatus")
        listed = [e for e in self.packages if status is None or e.get("ModelApprovalStatus") == status]
        ordered = listed[::-1] if SortOrder == "Descending" else listed
        start = int(NextToken)
        end = start + MaxResults
        token = str(start if self.repeats and start else end)
        return {"ModelPackageSummaryList": ordered[start:end], **({"NextToken": token} if end < len(ordered) else {})}

    async def s3(self, operation: str, **params: Any) -> Json:
        self._ask(operation)
        if operation == "list_objects_v2":
            start = f"s3://{params['Bucket']}/"
            keys = sorted(each.removeprefix(start) for each in self.objects if each.startswith(start))
            below = [key for key in keys if key.startswith(params["Prefix"])]
            first = int(params.get("ContinuationToken", 0))
            following = first if self.repeats and first else first + 1
            more = {"NextContinuationToken": str(following)} if first + 1 < len(below) else {}
            found = [{"Key": key, "Size": len(self.objects[start + key])} for key in below[first : first + 1]]
            return {"Contents": found, **more}
        uri = f"s3://{params['Bucket']}/{params['Key']}"
        content = self._object(uri)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        known = {"ChecksumSHA256": digest, "ChecksumType": "FULL_OBJECT"} if uri in self.checksums else {}
        return {"ETag": f'"{etag(content)}"', "ContentLength": len(content), **known}

    async def content(self, place: Place, etag: str | None = None) -> AsyncIterator[bytes]:
        self._ask("get_object")
        content = self._object(f"s3://{place.bucket}/{place.key}")
        if etag is not None and etag != globals()["etag"](content):
            raise Refused("the object was replaced after the registration, so its bytes are not those registered")
        for start in range(0, len(content), 5):
            yield content[start : start + 5]

    def _object(self, uri: str) -> bytes:
        if uri not in self.objects:
            raise NotThere(f"not found: {uri}")
        return self.objects[uri]

    def _ask(self, operation: str) -> None:
        self.asked.append(operation)
        if operation in self.broken:
            raise self.broken[operation]

    def add(self, uri: str = MODEL, **fields: Any) -> dict[str, Any]:
        """Add a version a day after the one before, with a container that loads the object."""
        number = len(self.packages) + 1
        container = {"Image": "registry.example/xgboost:1.7", "ModelDataUrl": uri, "Framework": "XGBOOST"}
        package = {
            "ModelPackageGroupName": "Churn",
            "ModelPackageVersion": number,
            "ModelPackageArn": f"{ARN}:model-package/churn/{number}",
            "ModelPackageStatus": "Completed",
            "CreationTime": BEGAN + timedelta(days=number),
            "InferenceSpecification": {"Containers": [container]},
            **fields,
        }
        self.packages.append(package)
        return package


def etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def full() -> FakeAws:
    """Return a group with a version that has all that moto does not keep."""
    aws = FakeAws(tags=[{"Key": "team", "Value": "growth"}])
    aws.objects[MODEL] = b"weights"
    aws.add(
        ModelApprovalStatus="Approved",
        ApprovalDescription="looks fine",
        ModelCard={"ModelCardContent": json.dumps(CARD), "ModelCardStatus": "Approved"},
        ModelLifeCycle={"Stage": "Production", "StageStatus": "InProgress", "StageDescription": "canary"},
        SourceUri="arn:aws:sagemaker:eu-west-1:1:experiment/x",
        CreatedBy={"IamIdentity": {"Arn": "arn:aws:sts::123456789012:assumed-role/Trainer/ada"}},
        SecurityConfig={"KmsKeyId": "key-1"},
        CustomerMetadataProperties={"reason": "new data", "db_password": "hunter2", "ticket": "ML-7"},
    )
    aws.jobs[JOB] = {
        "TrainingJobName": JOB,
        "TrainingJobArn": f"{ARN}:training-job/{JOB}",
        "ModelArtifacts": {"S3ModelArtifacts": MODEL},
        "HyperParameters": {"eta": "0.1", "objective": '"binary:logistic"', "sagemaker_region": '"eu-west-1"'},
        "InputDataConfig": [
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": "s3://data/train"}}},
            {"ChannelName": "extra", "DataSource": {"FileSystemDataSource": {"FileSystemId": "fs-1"}}},
        ],
        "FinalMetricDataList": [{"MetricName": "validation:auc", "Value": 0.9}],
        "TrainingStartTime": BEGAN,
        "TrainingEndTime": BEGAN + timedelta(hours=1),
    }
    return aws
