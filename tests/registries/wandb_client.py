"""What W&B's own client does: it logs a run without a server, or says what it reads from one. Runs as a program."""

import json
import sys
from pathlib import Path
from typing import Any

import wandb


def logged(root: Path) -> None:
    """Log a run without a server, from a checkout of git in the working directory, into `root`."""
    config = {"lr": 1e-05, "optimizer": {"name": "adam", "betas": [0.9, 0.99]}, "hub_token": "s3cr3t"}
    with wandb.init(
        mode="offline",
        entity="acme",
        project="churn",
        dir=root,
        id="first",
        config=config,
        notes="less noise",
        tags=["weekly"],
    ) as run:
        run.define_metric("loss", summary="min,last")
        for step in range(5):
            run.log({"loss": 1 / (step + 1), "val/acc": 0.5 + step / 10})
        run.log_artifact(model("weights-0"), aliases=["production"])
        run.log({"loss": 0.125, "test/acc": 0.875})
        run.log_artifact(model("weights-1", note="last"), tags=["approved"])
        data = wandb.Artifact("churn-data", "dataset")
        data.add_file("train.csv")
        run.log_artifact(data)
        run.summary["table"] = wandb.Table(columns=["a"], data=[[1]])
        run.summary["gap"] = float("nan")
    with wandb.init(mode="offline", entity="acme", project="churn", dir=root, id="second") as run:
        run.log_artifact(model("weights-2"))
        reference = wandb.Artifact("by-reference", "model")
        reference.add_reference(Path("train.csv").resolve().as_uri())
        run.log_artifact(reference)


def model(weights: str, **metadata: Any) -> wandb.Artifact:
    artifact = wandb.Artifact("churn-model", "model", description="Churn of customers", metadata=metadata)
    with artifact.new_file("model.onnx") as file:
        file.write(weights)
    with artifact.new_file("tokenizer/vocab.txt") as file:
        file.write("vocabulary")
    return artifact


def read(paths: list[str]) -> list[dict[str, Any]]:
    """Return what the client reads of artefacts on the server."""
    api = wandb.Api()
    return [said(api.artifact(each)) for each in paths]


def said(artifact: wandb.Artifact) -> dict[str, Any]:
    run = artifact.logged_by()
    assert run is not None
    return {
        "version": artifact.version,
        "aliases": sorted(artifact.aliases),
        "tags": sorted(artifact.tags),
        "source": f"{artifact.source_entity}/{artifact.source_project}/{artifact.source_name}",
        "digest": artifact.digest,
        "size": artifact.size,
        "description": artifact.description,
        "metadata": artifact.metadata,
        "created": artifact.created_at,
        "url": artifact.url,
        "files": {path: entry.digest for path, entry in artifact.manifest.entries.items()},
        "config": run.config,
        "metrics": {name: each for name, each in dict(run.summary).items() if not name.startswith("_")},
        "commit": run.commit,
        "remote": (run.metadata or {}).get("git", {}).get("remote"),
        "notes": run.notes,
        "user": run.user.username,
        "run": run.url,
        "used": {each.name: each.digest for each in run.used_artifacts()},
    }


if __name__ == "__main__":
    if sys.argv[1] == "log":
        logged(Path(sys.argv[2]))
    else:
        print(json.dumps(read(sys.argv[2:])))
