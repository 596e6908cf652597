"""A location of Vertex AI with two models, in the JSON of its REST API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unit.registries.fake_rest import FakeRest

LOCATION = "projects/shop/locations/europe-west4"
STORE = f"{LOCATION}/metadataStores/default"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMAGE = f"europe-docker.pkg.dev/shop/train/churn@sha256:{'a' * 64}"


@dataclass
class FakeVertex(FakeRest):
    """Gives lists in pages, and single resources by their names."""

    def value(self, path: str, query: Mapping[str, str]) -> Any:
        name = path.removeprefix("/v1/")
        if name == f"{LOCATION}/models":
            models = [self.default(each) for each in self.resources if self.is_model(each)]
            if wanted := query.get("filter"):
                models = [each for each in models if wanted == f'displayName="{each["displayName"]}"']
            return self.in_pages("models", models, query)
        if name.endswith(":listVersions"):
            model = self.resources.get(name.removesuffix(":listVersions"))
            return self.in_pages("models", model, query) if model else None
        if name.endswith(("/evaluations", "/slices")):
            field = "modelEvaluations" if name.endswith("/evaluations") else "modelEvaluationSlices"
            return self.in_pages(field, self.resources.get(name, []), query)
        if self.is_model(name):
            return self.default(name)
        return self.resources.get(name)

    def is_model(self, name: str) -> bool:
        return name.startswith(f"{LOCATION}/models/") and isinstance(self.resources.get(name), list) and "@" not in name

    def default(self, name: str) -> Any:
        """Return the version with the alias default, without it in the name."""
        listed = self.resources[name]
        found = next((each for each in listed if "default" in each.get("versionAliases", ())), listed[0])
        return {**found, "name": name}

    def in_pages(self, field: str, items: list[Any], query: Mapping[str, str]) -> Any:
        listed, token = self.page(items, query.get("pageToken"))
        return {field: listed, **({"nextPageToken": token} if token else {})}


def version(identity: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"{LOCATION}/models/{identity}@{number}",
        "versionId": str(number),
        "versionCreateTime": f"2026-05-0{number}T09:00:00.123456Z",
        "versionUpdateTime": f"2026-05-0{number}T10:00:00Z",
        "createTime": "2026-05-01T09:00:00.123456Z",
        "displayName": "Churn EU",
        "artifactUri": f"gs://models/{identity}/{number}",
        **fields,
    }


def vertex() -> FakeVertex:
    """Return a location with a model of a custom training pipeline, and one that Vertex AI named."""
    pipeline, custom = f"{LOCATION}/trainingPipelines/77", f"{LOCATION}/customJobs/78"
    artifact, execution = f"{STORE}/artifacts/model-3", f"{STORE}/executions/train-3"
    worker = {
        "machineSpec": {"machineType": "n1-standard-8"},
        "replicaCount": "1",
        "containerSpec": {
            "imageUri": IMAGE,
            "args": ["--lr=0.1", "--epochs", "20", "--hf-token=hunter2", "--verbose"],
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}],
        },
    }
    whole = version(
        "churn",
        3,
        description="Who will leave",
        versionDescription="retrained on April",
        versionAliases=["champion"],
        labels={"author": "ada", "git_commit": COMMIT, "team": "risk", "db-password": "hunter2"},
        metadata={"inputs": {"accessKey": "hunter2", "url": "https://ada:hunter2@host/x"}},
        containerSpec={
            "imageUri": "europe-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-5:latest",
            "command": ["serve"],
            "args": ["--api-key", "hunter2", "--workers=2"],
            "env": [{"name": "API_KEY", "value": "hunter2"}],
            "ports": [{"containerPort": 8080}],
            "predictRoute": "/predict",
        },
        predictSchemata={"instanceSchemaUri": "gs://models/churn/instance.yaml"},
        trainingPipeline=pipeline,
        metadataArtifact=artifact,
        dataStats={"trainingDataItemsCount": "800", "validationDataItemsCount": "100", "testDataItemsCount": "100"},
        baseModelSource={"modelGardenSource": {"publicModelName": "publishers/google/models/tabnet", "versionId": "2"}},
        modelSourceInfo={"sourceType": "CUSTOM"},
        supportedExportFormats=[{"id": "custom-trained", "exportableContents": ["ARTIFACT"]}],
    )
    evaluation = f"{LOCATION}/models/churn@3/evaluations/5"
    return FakeVertex(
        resources={
            f"{LOCATION}/models/churn": [
                version("churn", 1, artifactUri="gs://models/churn/1/model.pkl"),
                version("churn", 2, versionAliases=["default"]),
                whole,
            ],
            f"{LOCATION}/models/4711": [version("4711", 1, displayName="Tree", versionAliases=["default"])],
            f"{LOCATION}/models/churn@3/evaluations": [
                {
                    "name": evaluation,
                    "displayName": "holdout",
                    "createTime": "2026-05-03T09:30:00Z",
                    "metrics": {
                        "auRoc": 0.91,
                        "thresholds": {"f1": 0.75},
                        "confusionMatrix": {"rows": [[5, 1], [2, 7]]},
                    },
                    "metadata": {"evaluation_dataset_path": ["gs://data/holdout.jsonl"]},
                    "sliceDimensions": ["country"],
                },
                {
                    "name": f"{LOCATION}/models/churn@3/evaluations/6",
                    "displayName": "validation",
                    "createTime": "2026-05-03T09:20:00Z",
                    "metrics": {"auRoc": 0.93},
                },
            ],
            f"{evaluation}/slices": [
                {
                    "name": f"{evaluation}/slices/{place}",
                    "slice": {"dimension": "country", "value": place},
                    "metrics": {"auRoc": value},
                }
                for place, value in (("DE", 0.9), ("FR", 0.88), ("IT", 0.86))
            ],
            pipeline: {
                "name": pipeline,
                "displayName": "churn training",
                "inputDataConfig": {"datasetId": "99", "fractionSplit": {"trainingFraction": 0.8}},
                "trainingTaskDefinition": "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml",
                "trainingTaskInputs": {
                    "workerPoolSpecs": [worker],
                    "maxTrialCount": 5.0,
                    "optimizer": {"name": "adam"},
                },
                "trainingTaskMetadata": {"backingCustomJob": custom},
                "startTime": "2026-05-03T08:00:00Z",
                "endTime": "2026-05-03T08:50:00Z",
            },
            custom: {
                "name": custom,
                "displayName": "churn training-custom-job",
                "jobSpec": {
                    "workerPoolSpecs": [worker],
                    "serviceAccount": "trainer@shop.iam.gserviceaccount.com",
                    "experiment": f"{STORE}/contexts/churn-exp",
                    "experimentRun": f"{STORE}/contexts/churn-exp-run-3",
                },
            },
            f"{STORE}/contexts/churn-exp-run-3": {
                "name": f"{STORE}/contexts/churn-exp-run-3",
                "displayName": "run-3",
                "schemaTitle": "system.ExperimentRun",
                "metadata": {"_params": {"depth": 6.0}, "_metrics": {"train_loss": 0.12}, "_state": "COMPLETE"},
            },
            f"{LOCATION}/datasets/99": {
                "name": f"{LOCATION}/datasets/99",
                "displayName": "churn-2026-04",
                "metadata": {"inputConfig": {"gcsSource": {"uri": ["gs://data/churn-2026-04.csv"]}}},
            },
            f"{artifact}:queryArtifactLineageSubgraph": {
                "artifacts": [
                    {"name": artifact, "schemaTitle": "google.VertexModel"},
                    {
                        "name": f"{STORE}/artifacts/features",
                        "displayName": "features",
                        "uri": "gs://data/features",
                        "schemaTitle": "system.Dataset",
                    },
                    {
                        "name": f"{STORE}/artifacts/metrics",
                        "schemaTitle": "system.Metrics",
                        "metadata": {"test_recall": 0.7},
                    },
                ],
                "executions": [
                    {"name": execution, "schemaTitle": "system.ContainerExecution", "metadata": {"input:seed": 7.0}}
                ],
                "events": [
                    {"artifact": artifact, "execution": execution, "type": "OUTPUT"},
                    {"artifact": f"{STORE}/artifacts/features", "execution": execution, "type": "INPUT"},
                    {"artifact": f"{STORE}/artifacts/metrics", "execution": execution, "type": "OUTPUT"},
                ],
            },
        },
        objects={
            "models/churn/3/": b"",
            "models/churn/3/model.pkl": b"weights",
            "models/churn/3/sub/": b"",
            "models/churn/3/sub/vocabulary.txt": b"words",
            "models/churn/1/model.pkl": b"old weights",
        },
    )
