"""A model package group with versions, as a training pipeline of SageMaker registers them."""

import hashlib
import json
from typing import Any

BUCKET = "models-of-churn"
GROUP = "Churn-Models"
ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/xgboost"
JOB = "churn-2026-05-01"
WEIGHTS = b"weights of churn, version "
QUALITY = {
    "version": 0.0,
    "dataset": {"item_count": 500},
    "binary_classification_metrics": {
        "confusion_matrix": {"0": {"0": 240, "1": 10}},
        "auc": {"value": 0.91, "standard_deviation": "NaN"},
        "accuracy": {"value": 0.87, "standard_deviation": "NaN"},
    },
}
BIAS = {
    "version": "1.0",
    "pre_training_bias_metrics": {
        "label": "churned",
        "facets": {"age": [{"value_or_threshold": "(40, 75]", "metrics": [{"name": "CI", "value": -0.21}]}]},
    },
}


def put(s3: Any, key: str, content: bytes, *, with_checksum: bool = False) -> str:
    """Store an object and return its URI."""
    more = {"ChecksumAlgorithm": "SHA256"} if with_checksum else {}
    s3.put_object(Bucket=BUCKET, Key=key, Body=content, **more)
    return f"s3://{BUCKET}/{key}"


def etag(s3: Any, key: str) -> str:
    return str(s3.head_object(Bucket=BUCKET, Key=key)["ETag"])


def training_job(sagemaker: Any) -> None:
    sagemaker.create_training_job(
        TrainingJobName=JOB,
        HyperParameters={
            "max_depth": "6",
            "objective": '"binary:logistic"',
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"s3://{BUCKET}/code/sourcedir.tar.gz"',
        },
        AlgorithmSpecification={"TrainingImage": f"{IMAGE}@sha256:{'a' * 64}", "TrainingInputMode": "File"},
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Training",
        InputDataConfig=[
            {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
            for name, uri in (("train", f"s3://{BUCKET}/data/train/"), ("validation", f"s3://{BUCKET}/data/val/"))
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/jobs"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )


def report(s3: Any, name: str, value: Any) -> dict[str, str]:
    content = json.dumps(value).encode()
    uri = put(s3, f"reports/{name}.json", content)
    digest = hashlib.sha256(content).hexdigest()
    return {"ContentType": "application/json", "ContentDigest": f"sha256:{digest}", "S3Uri": uri}


def version(sagemaker: Any, uri: str, **fields: Any) -> str:
    container: dict[str, Any] = {"Image": f"{IMAGE}:1.7", "ImageDigest": f"sha256:{'b' * 64}", "ModelDataUrl": uri}
    container |= {"Framework": "XGBOOST", "FrameworkVersion": "1.7"}
    container |= {key: fields.pop(key) for key in ("ModelDataETag", "Environment") if key in fields}
    found = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        **fields,
    )
    return str(found["ModelPackageArn"])


def seed(sagemaker: Any, s3: Any) -> list[str]:
    """Register three versions, of which the second one is the newest that is approved; return their ARNs."""
    s3.create_bucket(Bucket=BUCKET)
    sagemaker.create_model_package_group(
        ModelPackageGroupName=GROUP,
        ModelPackageGroupDescription="who leaves next month",
        Tags=[{"Key": "team", "Value": "growth"}],
    )
    training_job(sagemaker)
    trained = put(s3, f"jobs/{JOB}/output/model.tar.gz", WEIGHTS + b"1", with_checksum=True)
    first = version(
        sagemaker,
        trained,
        ModelDataETag=etag(s3, f"jobs/{JOB}/output/model.tar.gz"),
        Environment={"HF_TOKEN": "hf_secret"},
        ModelPackageDescription="trees on the data of April",
        ModelApprovalStatus="Approved",
        MetadataProperties={
            "CommitId": "0123456789abcdef0123456789abcdef01234567",
            "Repository": "https://bot:secret@git.example/churn.git",
            "GeneratedBy": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/churn/execution/abc123",
        },
        CustomerMetadataProperties={"reason": "new data", "risk-owner": "ada"},
        ModelMetrics={
            "ModelQuality": {"Statistics": report(s3, "quality", QUALITY)},
            "Bias": {"PreTrainingReport": report(s3, "bias", BIAS)},
            "Explainability": {"Report": report(s3, "shap", {"explanations": {}})},
        },
        DriftCheckBaselines={"ModelQuality": {"Constraints": report(s3, "constraints", {"auc": 0.9})}},
        Domain="MACHINE_LEARNING",
        Task="CLASSIFICATION",
    )
    put(s3, "plain/model.tar.gz", WEIGHTS + b"2")
    second = version(
        sagemaker,
        f"s3://{BUCKET}/plain/model.tar.gz",
        ModelApprovalStatus="Approved",
        ModelDataETag=etag(s3, "plain/model.tar.gz"),
    )
    third = version(
        sagemaker, put(s3, "plain/model-3.tar.gz", WEIGHTS + b"3"), ModelApprovalStatus="PendingManualApproval"
    )
    return [first, second, third]
