"""A workspace and a registry of Azure ML, in the JSON of their REST APIs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unit.registries.fake_rest import FakeRest

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
PROVIDER = "providers/Microsoft.MachineLearningServices"
GROUP = f"subscriptions/{SUBSCRIPTION}/resourceGroups/ml"
WORKSPACE = f"/{GROUP}/{PROVIDER}/workspaces/risk"
SHORT = f"{GROUP}/workspaces/risk"
FRONT = "/mferp/managementfrontend"
REGISTRY = f"{FRONT}/{GROUP}/{PROVIDER}/registries/shared"
DISCOVERY = "/registrymanagement/v1.0/registries/shared/discovery"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = f"mcr.microsoft.com/azureml/openmpi@sha256:{'b' * 64}"
CONDA = "dependencies:\n- python=3.11.7\n- pip:\n  - scikit-learn==1.5.2\n  - mlflow==2.16.0\n"
DATA = f"azureml:/{WORKSPACE}/data/churn/versions/4"


@dataclass
class FakeAzureMl(FakeRest):
    """Gives lists in pages with links to the next ones, and single resources by their paths."""

    address: str = "https://management.azure.com:443"
    """What the links to the next pages begin with."""

    def value(self, path: str, query: Mapping[str, str]) -> Any:
        if "/api/2.0/mlflow/" in path:
            return self.resources.get(f"{path}?run_id={query.get('run_id')}")
        known = self.resources.get(path)
        if isinstance(known, list):
            view = query.get("listViewType", "ActiveOnly")
            shown = [each for each in known if view == "All" or not each["properties"].get("isArchived")]
            listed, token = self.page(shown, query.get("$skip"))
            rest = "&".join(f"{name}={each}" for name, each in query.items() if name != "$skip")
            return {"value": listed, "nextLink": f"{self.address}{path}?{rest}&$skip={token}" if token else None}
        return known


def version(base: str, model: str, name: str, day: int, created_by: str = "ada@example.com", **fields: Any) -> Any:
    return {
        "id": f"{'azureml://registries/shared' if base == REGISTRY else base}/models/{model}/versions/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/models/versions",
        "systemData": {
            "createdBy": created_by,
            "createdByType": "User",
            "createdAt": f"2026-05-{day:02}T09:00:00.1234567+00:00",
            "lastModifiedAt": f"2026-05-{day:02}T10:00:00+00:00",
        },
        "properties": {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": False,
            "isAnonymous": False,
            "flavors": {},
            "modelType": "custom_model",
            "modelUri": f"azureml://{SHORT}/datastores/workspaceblobstore/paths/models/{model}/{name}",
            "provisioningState": "Succeeded",
            **fields,
        },
    }


def container(base: str, name: str, **fields: Any) -> Any:
    return {
        "id": f"{base.removeprefix(FRONT)}/models/{name}",
        "name": name,
        "properties": {"isArchived": False, "latestVersion": "1", **fields},
    }


def azureml() -> FakeAzureMl:
    """Return a workspace with a model of a job, one of files, one that is archived; and a registry."""
    whole = version(
        WORKSPACE,
        "Churn_Model",
        "2026-05.1",
        3,
        description="Who will leave",
        tags={"reason": "retrained on April", "team": "risk", "apiKey": "hunter2"},
        properties={"azureml.git.dirty": "False", "origin": "pipeline https://ada:hunter2@host/x"},
        flavors={
            "sklearn": {"data": {"sklearn_version": "1.5.2", "pickled_model": "model.pkl"}},
            "python_function": {"data": {"loader_module": "mlflow.sklearn", "python_version": "3.11.7"}},
        },
        modelType="mlflow_model",
        modelUri=f"azureml://{SHORT}/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.churn-job/model",
        jobName="churn-job",
        stage="Production",
        datasets=[{"name": "validation", "id": f"azureml:/{WORKSPACE}/data/churn-val/versions/2"}],
    )
    job = {
        "id": f"{WORKSPACE}/jobs/churn-job",
        "name": "churn-job",
        "properties": {
            "jobType": "Command",
            "displayName": "train churn",
            "experimentName": "churn",
            "status": "Completed",
            "command": "python train.py --lr ${{inputs.lr}} --db-password hunter2",
            "codeId": f"{WORKSPACE}/codes/train/versions/9",
            "computeId": f"{WORKSPACE}/computes/cpu",
            "environmentId": f"{WORKSPACE}/environments/sklearn/versions/7",
            "environmentVariables": {"DB_PASSWORD": "hunter2"},
            "parameters": {"sweep": {"seed": 7}},
            "inputs": {
                "lr": {"jobInputType": "literal", "value": "0.1"},
                "hf_token": {"jobInputType": "literal", "value": "hunter2"},
                "training_data": {"jobInputType": "uri_file", "uri": DATA, "mode": "ReadOnlyMount"},
                "test_data": {"jobInputType": "mltable", "uri": "https://data.example/test?sig=hunter2"},
                "start": {"jobInputType": "mlflow_model", "uri": f"azureml:/{WORKSPACE}/models/base/versions/5"},
            },
            "properties": {
                "mlflow.source.git.repoURL": "https://bot:hunter2@git.example/churn.git",
                "mlflow.source.git.commit": COMMIT,
                "mlflow.source.git.branch": "main",
            },
            "services": {
                "Studio": {"endpoint": "https://ml.azure.com/runs/churn-job?wsid=/x", "jobServiceType": "Studio"}
            },
            "tags": {},
        },
    }
    run = {
        "info": {"run_id": "churn-job", "experiment_id": "e1", "start_time": 1777798800000, "end_time": 1777799400000},
        "data": {
            "params": [{"key": "depth", "value": "6"}],
            "metrics": [
                {"key": "val_auc", "value": 0.93, "timestamp": 1, "step": 0},
                {"key": "test_auc", "value": 0.91, "timestamp": 1, "step": 0},
            ],
            "tags": [{"key": "mlflow.user", "value": "ada"}],
        },
    }
    blobs = {
        "accountName": "store",
        "containerName": "blobs",
        "datastoreType": "AzureBlob",
        "endpoint": "core.windows.net",
    }
    return FakeAzureMl(
        resources={
            f"{WORKSPACE}/models": [
                container(WORKSPACE, "Churn_Model"),
                container(WORKSPACE, "old", isArchived=True),
                container(WORKSPACE, "tree"),
            ],
            f"{WORKSPACE}/models/Churn_Model": container(WORKSPACE, "Churn_Model"),
            f"{WORKSPACE}/models/old": container(WORKSPACE, "old", isArchived=True),
            f"{WORKSPACE}/models/tree": container(WORKSPACE, "tree"),
            f"{WORKSPACE}/models/Churn_Model/versions": [
                version(WORKSPACE, "Churn_Model", "1", 1, stage="Production"),
                whole,
                version(WORKSPACE, "Churn_Model", "candidate", 4, stage="Development"),
                version(WORKSPACE, "Churn_Model", "broken", 5, isArchived=True),
                version(WORKSPACE, "Churn_Model", "2", 2),
            ],
            f"{WORKSPACE}/models/tree/versions": [version(WORKSPACE, "tree", "1", 1)],
            f"{WORKSPACE}/jobs/churn-job": job,
            f"{WORKSPACE}/environments/sklearn/versions/7": {
                "name": "7",
                "properties": {"image": IMAGE, "condaFile": CONDA, "environmentType": "UserCreated"},
            },
            f"{WORKSPACE}/datastores/workspaceblobstore": {"name": "workspaceblobstore", "properties": blobs},
            f"{WORKSPACE}/datastores/workspaceartifactstore": {"name": "workspaceartifactstore", "properties": blobs},
            f"/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/runs/get?run_id=churn-job": {"run": run},
            f"{REGISTRY}/models": [container(REGISTRY, "shared-churn")],
            f"{REGISTRY}/models/shared-churn": container(REGISTRY, "shared-churn"),
            f"{REGISTRY}/models/shared-churn/versions": [version(REGISTRY, "shared-churn", "1", 1)],
            f"{REGISTRY}/models/shared-churn/versions/1": version(
                REGISTRY,
                "shared-churn",
                "1",
                1,
                tags={"team": "risk"},
                modelUri="https://shared.blob.core.windows.net/models/churn",
                intellectualProperty={"publisher": "acme"},
            ),
        },
        objects={
            "blobs/models/tree/1/tree.json": b"{}",
            "blobs/ExperimentRun/dcid.churn-job/model/MLmodel": b"flavors: {}",
            "blobs/ExperimentRun/dcid.churn-job/model/model.pkl": b"weights",
        },
    )


def at(fake: FakeAzureMl, address: str) -> None:
    """Let the answers name this address, for the MLflow server of the workspace and for the registry."""
    workspace = {"name": "risk", "properties": {"mlFlowTrackingUri": f"{address}/mlflow/v1.0{WORKSPACE}"}}
    fake.resources[WORKSPACE] = workspace
    fake.resources[DISCOVERY] = {
        "registryName": "shared",
        "primaryRegion": "westeurope",
        "primaryRegionResourceProviderUri": f"{address}/",
        "subscriptionId": SUBSCRIPTION,
        "resourceGroup": "ml",
    }
