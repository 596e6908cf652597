"""Parts of a record are joined: the first source counts, and each contradiction is told."""

from pennant.record.merging import Part, merged


def test_the_first_source_counts_and_contradictions_are_told() -> None:
    found = merged(
        [
            Part("the options", {"reason": "r", "author": {"name": "ada"}}),
            Part("git", {"author": {"name": "bob", "email": "b@x"}, "code": {"commit": "a" * 40}}, ("a warning",)),
            Part("CI", {"code": {"commit": "b" * 40}, "reason": "r", "training": {"run": None}}),
        ]
    )
    assert found.spec == {
        "reason": "r",
        "author": {"name": "ada", "email": "b@x"},
        "code": {"commit": "a" * 40},
        "training": {},
    }
    assert found.warnings == (
        "a warning",
        "author.name is ada by the options and bob by git; the first is recorded",
        f"code.commit is {'a' * 40} by git and {'b' * 40} by CI; the first is recorded",
    )


def test_items_of_lists_are_joined_by_what_identifies_them() -> None:
    found = merged(
        [
            Part("file", {"metrics": [{"name": "auc", "split": "Test", "value": "0.9"}]}),
            Part(
                "mlmodel",
                {"metrics": [{"name": "auc", "value": "0.8"}, {"name": "auc", "split": "Test", "value": ".90"}]},
            ),
            Part("a", {"artifacts": [{"name": "model", "digest": "sha256:AB"}], "schema": {"inputs": [{"name": "x"}]}}),
            Part("b", {"artifacts": [{"name": "model", "digest": "sha256:ab", "format": {"name": "onnx"}}]}),
            Part("c", {"schema": {"inputs": [{"name": "y"}]}, "hyperparameters": [{"name": "lr", "value": "1e-3"}]}),
            Part("d", {"hyperparameters": [{"name": "lr", "value": "0.001"}, {"name": "lr", "value": "0.002"}]}),
        ]
    )
    assert found.spec == {
        "metrics": [{"name": "auc", "split": "Test", "value": "0.9"}, {"name": "auc", "value": "0.8"}],
        "artifacts": [{"name": "model", "digest": "sha256:AB", "format": {"name": "onnx"}}],
        "schema": {"inputs": [{"name": "x"}]},
        "hyperparameters": [{"name": "lr", "value": "1e-3"}],
    }
    assert found.warnings == (
        "schema.inputs is [{'name': 'x'}] by a and [{'name': 'y'}] by c; the first is recorded",
        "hyperparameters[lr].value is 1e-3 by c and 0.002 by d; the first is recorded",
    )


def test_parts_are_not_changed() -> None:
    parts = [Part("a", {"code": {"commit": "a"}}), Part("b", {"code": {"dirty": True}})]
    merged(parts)
    assert parts[0].spec == {"code": {"commit": "a"}}
