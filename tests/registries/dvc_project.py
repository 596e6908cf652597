"""A project as a team of DVC and GTO has it, made by their own commands."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unit.record.projects import HOME

PREPARE = """\
import pathlib
pathlib.Path('prepared').mkdir(exist_ok=True)
for part in ('a', 'b'):
    pathlib.Path(f'prepared/{part}.csv').write_text(pathlib.Path('data/raw.csv').read_text())
"""
TRAIN = """\
import pathlib, yaml
rate = yaml.safe_load(open('params.yaml'))['train']['lr']
text = ''.join(sorted(path.read_text() for path in pathlib.Path('prepared').iterdir()))
pathlib.Path('models').mkdir(exist_ok=True)
pathlib.Path('models/model.pkl').write_text(f'{rate} {text}')
pathlib.Path('models/index').mkdir(exist_ok=True)
for part in ('one', 'two'):
    pathlib.Path(f'models/index/{part}.bin').write_text(f'{part} {text}')
"""
EVALUATE = """\
import json, pathlib
size = len(pathlib.Path('models/model.pkl').read_text()) + len(pathlib.Path('data/holdout.csv').read_text())
pathlib.Path('metrics.json').write_text(json.dumps({'test': {'auc': size / 1000}, 'val_f1': 0.5}))
"""
PIPELINE = """\
stages:
  prepare:
    cmd: python prepare.py
    deps: [data/raw.csv, prepare.py]
    outs: [prepared]
  train:
    cmd: python train.py
    deps: [prepared, train.py]
    params: [train.lr, train.layers]
    outs: [models/model.pkl, models/index]
  evaluate:
    cmd: python evaluate.py
    deps: [models/model.pkl, data/holdout.csv, evaluate.py]
    metrics:
    - metrics.json:
        cache: false
artifacts:
  churn:
    path: models/model.pkl
    type: model
    desc: Says who leaves
    labels: [risk, tabular]
    meta: {owner: team-risk, license: Apache-2.0, card: {reviewed: true}}
  index:
    path: models/index
    type: model
  raw:
    path: data/raw.csv
    type: dataset
"""


@dataclass(frozen=True)
class Project:
    """A checkout with its remote store."""

    root: Path
    store: Path

    def run(self, *command: str, at: str | None = None) -> str:
        """Run a command in the checkout; `at` is the time of commits and tags."""
        programs = str(Path(sys.executable).parent)
        times = {f"GIT_{each}_DATE": at for each in ("AUTHOR", "COMMITTER")} if at is not None else {}
        done = subprocess.run(
            command,
            cwd=self.root,
            env={
                **os.environ,
                **HOME,
                **times,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PYTHONPATH": "",
                "DVC_NO_ANALYTICS": "true",
                "GIT_COMMITTER_NAME": "bob",
                "GIT_COMMITTER_EMAIL": "bob@shop.example",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Write files below the checkout."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def gto(self, *words: str) -> None:
        """Run a command of GTO, which makes a tag. The times of tags have seconds, and GTO needs different ones."""
        self.run("gto", *words)
        time.sleep(1.05)

    def commit(self, message: str, at: str) -> None:
        """Reproduce the pipeline, store what it made, and commit."""
        self.run("dvc", "repro", "--quiet")
        self.run("dvc", "push", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", f"--message={message}", at=at)


def begun(project: Project) -> None:
    """Make an empty project with an origin and a remote store."""
    project.root.mkdir()
    project.run("git", "init", "--quiet", "--initial-branch=main")
    project.run("git", "remote", "add", "origin", "https://bot:secret@git.example/shop/churn.git")
    project.run("dvc", "init", "--quiet")
    project.run("dvc", "remote", "add", "--default", "store", str(project.store))


def made(directory: Path) -> Project:
    """Return a project with versions 1.0.0, 1.1.0 and 2.0.0 of `churn`, whose last one was taken back."""
    project = Project(directory / "project", directory / "store")
    begun(project)
    project.write(
        {
            "prepare.py": PREPARE,
            "train.py": TRAIN,
            "evaluate.py": EVALUATE,
            "dvc.yaml": PIPELINE,
            "params.yaml": "train:\n  lr: 0.1\n  layers: [64, 32]\n",
            "requirements.txt": "numpy==2.3.5\nscikit-learn==1.7.2\n",
            "data/raw.csv": "1,2\n3,4\n",
            "data/holdout.csv": "5,6\n",
        }
    )
    project.run("dvc", "add", "--quiet", "data/raw.csv", "data/holdout.csv")
    project.commit("Train on Q2", "2026-01-01T10:00:00Z")
    project.gto("register", "churn", "--version", "v1.0.0")
    project.gto("register", "index", "--version", "v0.1.0")
    project.gto("register", "raw", "--version", "v0.1.0")
    project.gto("assign", "churn", "--version", "v1.0.0", "--stage", "prod")
    project.write({"data/raw.csv": "1,2\n3,4\n7,8\n"})
    project.run("dvc", "add", "--quiet", "data/raw.csv")
    project.commit("Train on Q3", "2026-02-01T10:00:00Z")
    project.gto("register", "churn", "--version", "v1.1.0", "--message", "retrained on Q3 data")
    project.gto("assign", "churn", "--version", "v1.1.0", "--stage", "prod")
    project.gto("assign", "churn", "--version", "v1.1.0", "--stage", "canary")
    project.gto("deprecate", "churn", "v1.1.0", "canary")
    project.write({"params.yaml": "train:\n  lr: 0.2\n  layers: [64, 32]\n"})
    project.commit("Try a higher rate", "2026-03-01T10:00:00Z")
    project.gto("register", "churn", "--version", "v2.0.0")
    project.gto("assign", "churn", "--version", "v2.0.0", "--stage", "prod")
    project.gto("deprecate", "churn", "v2.0.0")
    return project
