"""`lint` refuses what the API server refuses, and says where it is and what it must be."""

import json
import random
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from pennant.api.crd import crds
from pennant.cli import lint
from pennant.cli.commands.lint import command
from pennant.cli.manifests import checks
from pennant.cli.manifests.documents import MAX_NODES, Document, documents
from pennant.cli.manifests.findings import Finding, report
from pennant.cli.manifests.schema import PLACES
from unit.api import examples
from unit.api.examples import BAD_QUERIES, GOOD_QUERIES, ROOT_RULES, RULES, Object
from unit.api.mistakes import MISTAKES, UNKNOWN_KINDS, Mistake
from unit.cli.golden_files import assert_golden

ROOT = Path(__file__).parents[3]
Node = dict[str, Any]
REFUSED = [*RULES, *ROOT_RULES]


def found(*manifests: Object | str, name: str = "m.yaml") -> tuple[Finding, ...]:
    """Return the findings for manifests in one file."""
    texts = [each if isinstance(each, str) else yaml.safe_dump(each, sort_keys=False) for each in manifests]
    return report([(name, "---\n".join(texts))]).findings


def errors(*manifests: Object | str) -> list[str]:
    return [each.sentence for each in found(*manifests) if each.is_error]


# What the API server refuses.


@pytest.mark.parametrize("rule", REFUSED, ids=lambda each: each.name)
def test_an_example_that_breaks_a_rule_is_refused_with_the_words_of_the_rule(rule: examples.Refused) -> None:
    assert any(rule.says in each for each in errors(rule.manifest))


@pytest.mark.parametrize("mistake", [*UNKNOWN_KINDS, *MISTAKES], ids=lambda each: each.name)
def test_a_mistake_is_refused_with_its_field(mistake: Mistake) -> None:
    said = errors(mistake.manifest)
    kinds = ("kind", "apiVersion")
    field = mistake.field if mistake.field.startswith(("spec", "metadata")) else kinds
    assert any(each.startswith(field) for each in said), said


@pytest.mark.parametrize(("query", "says"), BAD_QUERIES)
def test_a_query_whose_placeholder_is_wrong_is_refused(query: str, says: str) -> None:
    assert any(says in each for each in errors(examples.asking(query)))


@pytest.mark.parametrize("query", GOOD_QUERIES)
def test_a_query_that_is_right_is_taken(query: str) -> None:
    assert errors(examples.asking(query)) == []


@pytest.mark.parametrize(
    "manifest",
    [
        examples.a_version(),
        examples.a_whole_version(),
        examples.a_deployment(),
        examples.a_whole_deployment(),
        examples.a_pinned_deployment(),
    ],
    ids=["small version", "whole version", "small deployment", "whole deployment", "pinned deployment"],
)
def test_what_the_api_server_takes_is_taken(manifest: Object) -> None:
    assert errors(manifest) == []


def test_a_number_that_the_api_server_cannot_store_is_refused() -> None:
    assert errors(examples.a_version(training={"seed": 10**19})) == [
        "spec.training.seed: must be a number of at most 64 bits"
    ]


def rules(node: Node) -> Iterator[Node]:
    """Yield the CEL rules of a schema and of all that is in it."""
    yield from node.get("x-kubernetes-validations", ())
    inner = [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]
    for each in inner:
        if isinstance(each, dict):
            yield from rules(each)


def schemas() -> dict[str, Node]:
    return {
        crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for crd in crds().values()
    }


def is_of_a_change(rule: Node) -> bool:
    """Return whether a rule compares with the object that is stored, so that no manifest alone breaks it."""
    return not rule.get("optionalOldSelf")


MESSAGES = sorted({each["message"] for node in schemas().values() for each in rules(node) if not is_of_a_change(each)})
SAID = [
    said
    for manifest in (
        *(each.manifest for each in REFUSED),
        *(each.manifest for each in MISTAKES),
        *(examples.asking(query) for query, _ in BAD_QUERIES),
        examples.a_deployment(promotion={"gates": [{"metric": "m", "maxRegression": "-1"}]}),
        examples.a_deployment(analysis={"metrics": [examples.a_metric(compareTo="Stable", maxIncreasePercent="-1")]}),
    )
    for said in errors(manifest)
]


@pytest.mark.parametrize("message", MESSAGES)
def test_each_cel_rule_of_the_crds_has_an_example_that_is_refused_with_its_message(message: str) -> None:
    # The API server composes this message from the values; and of a list of tags or numbers, the item is named here.
    words = message.replace("metadata.name must be <spec.model>-<spec.version>", "made of spec.model and spec.version")
    words = re.sub(r"^each (of spec\.tags|\w+) (?=must be)", "", words)
    assert any(words in each for each in SAID)


STRANGE: tuple[Any, ...] = (
    *("", "x", "X y", "a" * 70, "a" * 9000, "1.0", "-1", "${x}", "sha256:0", "2026-01-02", "2026-01-02 03:04:05Z"),
    *(0, -1, 61, 10**19, 1.5, True, [], {}, ["x"], [{}], [{"name": "x"}], [1], {"x": "y"}, {"name": "x"}),
)


def mutants(whole: Object, seed: int) -> Iterator[Object]:
    """Yield the manifest with each of its fields and items gone, strange, or doubled."""
    chosen = random.Random(seed)

    def paths(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        if path:
            yield path
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for step, each in children:
            yield from paths(each, (*path, step))

    for path in paths(whole["spec"], ()):
        for value in (None, *chosen.sample(STRANGE, 5)):
            changed = deepcopy(whole)
            node = changed["spec"]
            for step in path[:-1]:
                node = node[step]
            if value is None:
                del node[path[-1]]
            else:
                node[path[-1]] = value
            yield changed


@pytest.mark.parametrize(
    "whole",
    [examples.a_whole_version(), examples.a_whole_deployment(), examples.a_pinned_deployment()],
    ids=["version", "deployment", "pinned"],
)
def test_whatever_the_schema_refuses_is_refused(whole: Object) -> None:
    """The schema is evaluated by another program, on some thousand manifests with one wrong value each."""
    formats = jsonschema.FormatChecker(())
    formats.checks("date-time")(lambda value: not isinstance(value, str) or value.startswith("2026-01-02T0"))
    schema = schemas()[whole["kind"]]["properties"]["spec"]
    validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
    refused = 0
    for mutant in mutants(whole, seed=1):
        if validator.is_valid(mutant["spec"]):
            continue
        refused += 1
        assert [*checks.problems(mutant)], next(validator.iter_errors(mutant["spec"])).message
    assert refused > 25


# Files, as people write them.

MISTAKEN = """\
# A version, with what YAML makes of it.
apiVersion: pennant.dev/v1alpha1
kind: ModelVersion
metadata:
  name: fraud-1.1
  labels: {team: 7}
spec:
  model: fraud
  version: 1.10
  tags: [production, on]
  artifacts:
  - name: model
    uri: s3://models/fraud/1.1.0
    digest: "0123"
  - name: model
    ury: s3://models/fraud/1.1.0/tokenizer
  createdAt: 2026-01-02
  model: churn
status: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: pennant.dev/v1alpha1
kind: List
items:
- apiVersion: pennant.dev/v1alpha1
  kind: ModelDeployment
  metadata:
    name: fraud_eu
  spec:
    model: fraud
    tag: production
    template:
      spec:
        containers:
        - name: server
          image: registry.example.com/model-server:3
    analysis:
      metrics:
      - name: accuracy
        prometheus:
          query: rate(seen{version="${Version}"}[${window}])
        treshold: {min: "0.9"}
    rollback: {action: rollback}
- apiVersion: pennant.dev/v1
  kind: ModelDeployment
- apiVersion: pennant.dev/v1alpha1
  kind: ModelVersoin
---
just: values
---
kind: [
"""
SET = """\
apiVersion: pennant.dev/v1alpha1
kind: ModelVersion
metadata: {name: fraud-1.0.0}
spec:
  model: fraud
  version: 1.0.0
  tags: [production]
  artifacts: [{name: model, uri: "s3://models/fraud/1.0.0"}]
---
apiVersion: pennant.dev/v1alpha1
kind: ModelVersion
metadata: {name: fraud-1.1.0}
spec:
  model: fraud
  version: 1.1.0
  tags: [staging, production]
  artifacts: [{name: model, uri: "s3://models/fraud/1.1.0"}]
---
apiVersion: pennant.dev/v1alpha1
kind: ModelDeployment
metadata:
  name: fraud
  annotations: {pennant.dev/retry: 1.0.0, pennant.dev/restart: ""}
spec:
  model: fraud
  tag: canary
  template: {spec: {containers: [{name: server, image: "s:1"}]}}
---
apiVersion: pennant.dev/v1alpha1
kind: ModelDeployment
metadata: {name: fraud}
spec:
  model: fraud
  version: 2.0.0
  template: {spec: {containers: [{name: server, image: "s:1"}]}}
---
apiVersion: pennant.dev/v1alpha1
kind: ModelDeployment
metadata: {name: churn}
spec:
  model: churn
  template: {spec: {containers: [{name: server, image: "s:1"}]}}
"""


@pytest.mark.parametrize("form", [None, "json", "github"])
@pytest.mark.parametrize("name", ["mistaken", "set"])
def test_the_findings_of_a_file(name: str, form: str | None) -> None:
    result = report([(f"manifests/{name}.yaml", MISTAKEN if name == "mistaken" else SET)])
    text = lint.rendered(result, form)
    assert_golden(f"lint/{name}-{form or 'text'}.txt", text if form else f"{text}\n{lint.summary(result)}")


def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, input=stdin, standalone_mode=False)
    if done.exception is not None:
        return 1, str(done.exception)
    return int(done.return_value or 0), done.output


def test_the_exit_code_tells_errors_and_not_warnings(tmp_path: Path) -> None:
    file = tmp_path / "set.yaml"
    file.write_text(SET.replace("metadata: {name: fraud}", "metadata: {name: fraud-2}"))
    assert run("-f", str(file))[0] == 0
    assert "warning" in run("-f", str(file))[1]
    code, text = run("-f", str(file), "--strict")
    assert code == 1
    assert "warning:" not in text
    assert run("-f", "-", stdin=MISTAKEN)[0] == 1
    assert "standard input:" in run("-f", "-", stdin=MISTAKEN)[1]


def test_directories_and_names_as_a_hook_gives_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(examples.a_version(tags=["production"])))
    (tmp_path / "deployment.json").write_text(json.dumps(examples.a_deployment()))
    (tmp_path / "deep" / "bad.yml").write_text(yaml.safe_dump(examples.a_version(version="1")))
    (tmp_path / "notes.txt").write_text("no manifest")
    assert run("-f", str(tmp_path)) == (0, "2 manifests in 2 files: no problems\n")
    code, text = run("-R", "-f", str(tmp_path))
    assert (code, "deep/bad.yml:" in text) == (1, True)
    code, text = run(str(tmp_path / "deep" / "bad.yml"), str(tmp_path / "good.yaml"))
    assert code == 1
    assert "in 2 files" in text


def test_what_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    assert run() == (1, "must specify -f with a file, a directory or - for standard input")
    assert run("-f", str(tmp_path / "none")) == (1, f"the path {tmp_path / 'none'} does not exist")
    (tmp_path / "binary.yaml").write_bytes(b"a: b\nc: \xff\xfe\x00")
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(examples.a_version(tags=["production"])))
    code, text = run("-f", str(tmp_path))
    assert code == 1
    assert f"{tmp_path / 'binary.yaml'}:2:4: error: is no text in UTF-8: invalid start byte\n" in text
    assert "1 manifest in 2 files: 1 error, 0 warnings" in text


def test_the_manifests_of_this_repository_have_no_problems() -> None:
    code, text = run("-f", str(ROOT / "examples" / "hello.yaml"), "--strict")
    assert (code, text.rpartition(": ")[2]) == (0, "no problems\n"), text


def test_files_without_anything_to_check_are_an_error(tmp_path: Path) -> None:
    said = "no ModelVersion or ModelDeployment found in"
    for name, text in (("empty.yaml", ""), ("service.yaml", "{kind: Service, apiVersion: v1, metadata: {name: a}}")):
        (tmp_path / name).write_text(text)
        assert run("-f", str(tmp_path / name)) == (1, f"{said} {tmp_path / name}")
    assert run("-f", str(tmp_path)) == (1, f"{said} {tmp_path}")
    below = tmp_path / "below"
    below.mkdir()
    assert run("-f", str(tmp_path)) == (1, f"{said} {tmp_path}; use -R to check the directories in it as well")
    assert run("-R", "-f", str(tmp_path)) == (1, f"{said} {tmp_path}")


@pytest.mark.parametrize(("flags", "code", "word"), [((), 0, "Warning"), (("--strict",), 1, "error")])
def test_a_file_without_anything_to_check_beside_others_is_a_warning(
    tmp_path: Path, flags: tuple[str, ...], code: int, word: str
) -> None:
    good, other = tmp_path / "good.yaml", tmp_path / "service.yaml"
    good.write_text(yaml.safe_dump(examples.a_version()))
    other.write_text("{kind: Service, apiVersion: v1, metadata: {name: a}}")
    exit_code, text = run("-f", str(good), "-f", str(other), *flags)
    assert exit_code == code
    assert text.startswith(f"{word}: no ModelVersion or ModelDeployment found in {other}\n")


def test_a_version_in_another_namespace_does_not_count() -> None:
    version = examples.a_version(tags=["production"])
    version["metadata"]["namespace"] = "other"
    assert "no ModelVersion of fraud in these files has the tag production" in str(
        found(version, examples.a_deployment())
    )
    assert found(examples.a_version(tags=["production"]), examples.a_deployment()) == ()


# YAML, as kubectl reads it, and as people write it.

WHAT_PYYAML_WRITES = """\
apiVersion: pennant.dev/v1alpha1
kind: ModelVersion
metadata: {name: m-1.0.0}
spec:
  model: m
  version: 1.0.0
  artifacts: [{name: model, uri: x}]
  metrics: [{name: val/f1_macro, value: 8.88e-16}, {name: n, value: .5}]
  hyperparameters:
  - {name: learning_rate, value: 2e-05}
  - {name: n, value: '1'}
  - {name: y, value: 1}
"""


def test_numbers_that_pyyaml_writes_are_taken_and_names_that_it_does_not_quote_are_refused_with_the_fix() -> None:
    """Rule: R120, R122."""
    assert errors(WHAT_PYYAML_WRITES) == [
        f"spec.{path}.name: must be a string, and kubectl reads {name} as a boolean; write '{name}' in quotes"
        for path, name in (("metrics[1]", "n"), ("hyperparameters[1]", "n"), ("hyperparameters[2]", "y"))
    ]
    assert errors(re.sub(r"name: ([ny]),", r"name: '\1',", WHAT_PYYAML_WRITES)) == []
    record = examples.a_version(hyperparameters=[{"name": "lr", "value": "2e-05"}])
    assert "value: 2e-05" in yaml.safe_dump(record)
    assert errors(record) == []


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("3", "kubectl reads 3 as a number; write '3' in quotes, or 3.0.0 without"),
        ("1.10", "kubectl reads 1.10 as a number; write '1.10' in quotes, or 1.10.0 without"),
        ("1e5", "kubectl reads 1e5 as a number; write '1e5' in quotes"),
        ("1234567", "kubectl reads 1234567 as a number; write '1234567' in quotes, or 1234567.0.0 without"),
        ("007", "kubectl reads 007 as a number; write '007' in quotes"),
        ("on", "kubectl reads on as a boolean; write 'on' in quotes"),
        ("1.4.0+gpu", "write 1.4.0+gpu as 1.4.0-gpu"),
        ("Release_7", "Release_7 as release-7"),
        ("v1.0 beta", "v1.0 beta as v1.0-beta"),
    ],
)
def test_a_version_that_is_refused_says_how_to_write_it(version: str, says: str) -> None:
    """Rule: R122."""
    text = yaml.safe_dump(examples.a_version(version="NAME")).replace("version: NAME", f"version: {version}")
    (said, *_) = (each for each in errors(text) if each.startswith("spec.version: "))
    assert says in said
    assert said.endswith(("in quotes", "without", "or as 3.0.0"))


@pytest.mark.parametrize("version", ["2024-05-01", "12e4567", "0123abc", "v3", "2024.5.1", "'3'", "'1.10'", "1e99999"])
def test_a_version_that_kubectl_takes_for_a_string_needs_no_quotes(version: str) -> None:
    text = yaml.safe_dump(examples.a_version(version="NAME")).replace("version: NAME", f"version: {version}")
    text = text.replace("name: fraud-1.0.0", f"name: fraud-{version.strip(chr(39))}")
    assert errors(text) == []


@pytest.mark.parametrize("word", [".nan", ".NaN", "-.inf", "'NaN'", "1e400", "5%", "yes"])
def test_a_number_that_is_none_is_refused_with_its_line_and_the_fix(word: str) -> None:
    """Of `.nan`, kubectl itself says that JSON has no such value. Rule: R120."""
    text = yaml.safe_dump(examples.a_version(metrics=[{"name": "loss", "value": "WORD"}])).replace("WORD", word)
    (finding,) = found(text)
    assert (finding.field, text.splitlines()[finding.line - 1].strip()) == ("spec.metrics[0].value", f"value: {word}")
    assert finding.message.startswith(
        "must be a finite number such as 0.95 or 2e-05, with or without quotes; leave out"
    )


def test_a_number_of_thousands_of_digits_is_a_string_to_kubectl() -> None:
    text = yaml.safe_dump(examples.a_version(reason="REASON")).replace("REASON", "1" * 1024)
    assert errors(text) == []
    assert errors(text.replace("1" * 1024, "1" * 6000)) == [
        "spec.reason: must have at most 1024 characters, and has 6000"
    ]


def test_an_integer_that_has_more_than_64_bits_is_a_number_too() -> None:
    assert errors(examples.a_version(metrics=[{"name": "flops", "value": 10**24}])) == []


def value(text: str) -> Any:
    (only,) = documents(text, "m.yaml")
    assert isinstance(only, Document)
    return only.value


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1.10", 1.1),
        ("on", True),
        ("n", False),
        ("017", 15),
        ("0x1F", 31),
        ("-1_000", -1000),
        ("0x_", "0x_"),
        ("0B", "0B"),
        ("1e3", 1000.0),
        ("1:30", "1:30"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("~", None),
        ("'on'", "on"),
        ("!!str 1.10", "1.10"),
        ("0123abc", "0123abc"),
        ("1.0.0", "1.0.0"),
        (".inf", ".inf"),
    ],
)
def test_a_scalar_is_what_kubectl_takes_it_for(text: str, means: Any) -> None:
    read = value(f"field: {text}\nother: 1\n")["field"]
    assert (read, type(read)) == (means, type(means))


def test_keys_are_strings_and_merged_maps_are_there() -> None:
    assert value("a: &a {1: x, on: v}\nb: {<<: *a, 1: z}\n")["b"] == {"1": "z", "true": "v"}


def test_aliases_that_stand_for_too_much_or_for_themselves_are_refused() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)
    )
    assert errors(bomb) == [f"has more than {MAX_NODES} values; use fewer aliases"]
    for spec in ("[*a]", "{tags: [*a]}", "{environment: {<<: *a}}", "{<<: *a}"):
        said = errors(f"apiVersion: pennant.dev/v1alpha1\nkind: ModelVersion\nspec: &a {spec}\n")
        assert any(each.startswith("spec") and each.endswith("an alias refers to itself") for each in said)
    assert "nested in more than" in str(errors(f"kind: ModelVersion\nspec: {'[' * 101}{']' * 101}\n"))


# The page.


def test_the_hook_and_the_job_of_the_page_call_lint_with_options_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "manifests" / "fraud").mkdir(parents=True)
    manifests = (examples.a_version(tags=["production"]), examples.a_deployment())
    (tmp_path / "manifests" / "fraud" / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "command-line.md").read_text()
    calls = re.findall(r"(?:entry|run): pennant lint (.*)", page)
    assert len(calls) == 2
    for call in calls:
        assert run(*call.split())[0] == 0, call
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        assert yaml.safe_load(block)


TRIED = ("strategy", "progressDeadlineSeconds", "minReadySeconds", "selector", "metrics")
"""Fields that people write as in a Deployment, a StatefulSet or an AnalysisTemplate."""


def test_the_fields_that_people_try_have_a_place() -> None:
    assert set(TRIED) <= PLACES.keys()
    said = [each.message for name in TRIED for each in found(examples.a_deployment(**{name: {}})) if each.is_error]
    assert said == [
        "unknown field; it is spec.rollout.strategy",
        "unknown field; it is spec.rollout.progressDeadlineSeconds",
        "unknown field; it is spec.rollout.minReadySeconds",
        "unknown field; the operator selects the pods by the label pennant.dev/modeldeployment",
        "unknown field; it is spec.analysis.metrics",
    ]


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_field_of_a_deployment_is_answered_with_its_place(name: str) -> None:
    assert [each.message for each in found(examples.a_deployment(**{name: {}})) if each.is_error] == [
        f"unknown field; {PLACES[name]}"
    ]


def doubted(template: Node, *versions: Object, **spec: Any) -> list[str]:
    deployment = examples.a_deployment(template={"spec": template}, **spec)
    return [each.message for each in found(deployment, *versions) if not each.is_error]


def test_what_pods_will_lack_is_a_warning() -> None:
    server = {"name": "server", "args": ["$(MODEL_URI) $(MODEL_SOURCE_VERSION) $$(MODEL_X) $(OTHER)"]}
    version = examples.a_version(tags=["production"])
    assert doubted({"containers": [server]}, version) == [
        "container server has no image, and spec.serving of 1.0.0 has none",
        "container server has no variable for $(MODEL_SOURCE_VERSION) with version 1.0.0, so the text is passed on as "
        "it is",
    ]
    whole = examples.a_version(
        tags=["production"], serving={"image": "s:1"}, source={"registry": "MLflow", "version": "7"}
    )
    assert doubted({"containers": [server]}, whole, allowServing=["Image"]) == []


def test_what_the_template_says_itself_is_a_warning() -> None:
    env = [{"name": "MODEL_URI", "value": "mine"}, {"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    said = doubted(
        {"containers": [{"name": "server", "image": "s", "env": env}]}, examples.a_version(tags=["production"])
    )
    assert said == [
        "container server has variable A twice: the last one is used",
        "container server sets MODEL_URI: the values of spec.template are used, not those of the record",
    ]


@pytest.mark.parametrize(("tags", "severity"), [(["production"], "error"), ([], "warning")])
def test_what_a_version_sets_and_the_deployment_does_not_permit_is_told(tags: list[str], severity: str) -> None:
    """Of the version that would be served it is an error.

    Rule: R181.
    """
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    version = examples.a_version(tags=tags, serving={"image": "s:1", "env": [variable]})
    (finding,) = (each for each in found(examples.a_deployment(), version) if each.field == "spec.allowServing")
    assert finding.severity == severity
    assert finding.message.startswith(
        "1.0.0 sets serving.image, serving.env[TOKEN], and spec.allowServing of the ModelDeployment lacks Image and "
        "EnvValueFrom: it is not rolled out. Add what is missing to `spec.allowServing`"
    )
    permitted = examples.a_deployment(allowServing=["Image", "EnvValueFrom"])
    assert not [each for each in found(permitted, version) if each.field == "spec.allowServing"]
