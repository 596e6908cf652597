"""An export of Neptune, as neptune-exporter writes it: Parquet files of its schema, and the files beside them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

NUMBER = pyarrow.list_(pyarrow.float64())
# The columns that neptune-exporter 0.1 has, in its order.
SCHEMA = pyarrow.schema(
    [
        *((each, pyarrow.string()) for each in ("project_id", "run_id", "attribute_path", "attribute_type")),
        ("step", pyarrow.decimal128(18, 6)),
        ("timestamp", pyarrow.timestamp("ms", tz="UTC")),
        ("int_value", pyarrow.int64()),
        ("float_value", pyarrow.float64()),
        ("string_value", pyarrow.string()),
        ("bool_value", pyarrow.bool_()),
        ("datetime_value", pyarrow.timestamp("ms", tz="UTC")),
        ("string_set_value", pyarrow.list_(pyarrow.string())),
        ("file_value", pyarrow.struct([("path", pyarrow.string())])),
        ("histogram_value", pyarrow.struct([("type", pyarrow.string()), ("edges", NUMBER), ("values", NUMBER)])),
    ]
)
PROJECT = "ml-team/churn"
CREATED = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
COLUMNS = {
    int: ("int", "int_value"),
    float: ("float", "float_value"),
    str: ("string", "string_value"),
    bool: ("bool", "bool_value"),
    datetime: ("datetime", "datetime_value"),
    list: ("string_set", "string_set_value"),
}


def sanitized(name: str) -> str:
    """Return a name as the exporter writes it into a path."""
    kept = "".join(each if each.isalnum() or each in "_-" else "_" for each in name)
    return f"{kept}-{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


def value(path: str, known: Any) -> dict[str, Any]:
    """Return the row of a single value."""
    kind, column = COLUMNS[type(known)]
    return {"attribute_path": path, "attribute_type": kind, column: known}


def series(path: str, known: Sequence[float]) -> list[dict[str, Any]]:
    """Return the rows of a series of numbers, one for each step."""
    row = {"attribute_path": path, "attribute_type": "float_series", "timestamp": CREATED}
    return [
        {**row, "step": Decimal(step).quantize(Decimal("1.000000")), "float_value": each}
        for step, each in enumerate(known)
    ]


def file(path: str, place: str, kind: str = "file") -> dict[str, Any]:
    """Return the row of a file; `place` is its path in the directory of the project."""
    return {"attribute_path": path, "attribute_type": kind, "file_value": {"path": place}}


def write(
    root: Path, scope: str, name: str, rows: list[dict[str, Any]], *, project: str = PROJECT, per_part: int = 10_000
) -> list[Path]:
    """Write an object into `root`, whose parts have at most `per_part` rows in groups of a thousand."""
    directory = root / sanitized(project) / scope
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, start in enumerate(range(0, max(len(rows), 1), per_part)):
        part = [{"project_id": project, "run_id": name, **each} for each in rows[start : start + per_part]]
        path = directory / f"{sanitized(name)}_part_{number}.parquet"
        table = pyarrow.Table.from_pylist(part, schema=SCHEMA)
        parquet.write_table(table, path, compression="snappy", row_group_size=1000)
        paths.append(path)
    return paths


def stored(root: Path, place: str, body: bytes, *, project: str = PROJECT) -> Path:
    """Write a file of the export."""
    path = root / sanitized(project) / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def listed(*files: tuple[str, bytes, str]) -> bytes:
    """Return the list of files that Neptune tracked: path, content and place of each."""
    return json.dumps(
        [
            {
                "filePath": path,
                "fileHash": hashlib.sha1(body).hexdigest(),
                "type": "Local",
                "size": len(body),
                "metadata": [{"key": "file_path", "value": place}, {"key": "last_modified", "value": "1741064767.0"}],
            }
            for path, body, place in files
        ]
    ).encode()


def version(number: int, **more: Any) -> list[dict[str, Any]]:
    """Return the rows that each version of the model CHURN-CLS has."""
    known = {
        "sys/id": f"CHURN-CLS-{number}",
        "sys/model_id": "CHURN-CLS",
        "sys/owner": "ada",
        "sys/stage": "none",
        "sys/creation_time": CREATED.replace(day=number % 28 + 1),
        "sys/trashed": False,
    }
    return [value(path, each) for path, each in {**known, **more}.items()]


def export(root: Path, data: Path) -> None:
    """Write three versions of a model, and the run of the second one. `data` has the files that Neptune tracked."""
    files, runs = root / "model_files", root / "files"
    rows = {"sys/name": "Churn classifier", "sys/id": "CHURN-CLS", "sys/tags": ["risk"]}
    write(root / "model_data", "models", "CHURN-CLS", [value(path, each) for path, each in rows.items()])
    for number, stage in ((1, "archived"), (2, "production"), (3, "none")):
        place = f"model_versions/CHURN-CLS-{number}/model/binary.onnx"
        stored(files, place, b"weights" * number)
        more = {
            "sys/stage": stage,
            "sys/name": f"v{number}",
            "run/id": f"CHURN-{number}",
            "validation/acc": 0.9 + number / 100,
        }
        attributes = [*version(number, **more), file("model/binary.onnx", place), value("test/acc", 0.8)]
        write(root / "model_data", "model_versions", f"CHURN-CLS-{number}", attributes, per_part=6)
    (data / "train").mkdir(parents=True)
    for name in ("a.csv", "b.csv"):
        (data / "train" / name).write_bytes(name.encode())
    tracked = ((name, name.encode(), f"file://{data}/train/{name}") for name in ("a.csv", "b.csv"))
    stored(runs, "CHURN-2/data/train/files_list.json", listed(*tracked))
    stored(runs, "CHURN-2/source_code/requirements", b"scikit-learn==1.7.0\nnumpy==2.3.1\n")
    stored(runs, "CHURN-2/source_code/files/files.zip", b"PK")
    write(
        root / "data",
        "",
        "CHURN-2",
        [
            *(value("sys/id", "CHURN-2"), value("sys/creation_time", CREATED), value("parameters/lr", 1e-05)),
            *(value("parameters/layers", 3), value("parameters/api_key", "k3y"), value("sys/hostname", "box")),
            value("source_code/entrypoint", "train.py"),
            *series("train/loss", [1 / (step + 1) for step in range(5000)]),
            *series("monitoring/cpu", [0.5, 0.6]),
            file("data/train", "CHURN-2/data/train/files_list.json", "artifact"),
            file("source_code/requirements", "CHURN-2/source_code/requirements"),
            file("source_code/files", "CHURN-2/source_code/files", "file_set"),
        ],
        per_part=3000,
    )
