"""The table of verbs, help, completion and errors."""

import importlib
import os
import subprocess
import sys

import click
import pytest

from pennant import __main__ as program
from pennant import __version__
from pennant.cli import completion, history
from pennant.cli.main import main, with_values
from pennant.cli.options import ClusterOptions
from pennant.cli.suggestions import ELSEWHERE, OTHER_WORDS, unknown
from pennant.cli.verbs import VERBS

HEAVY = {"pydantic", "aiohttp", "kubernetes", "yaml", "jinja2", "matplotlib", "rich", "kopf"}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_one_module_with_a_command(verb: str) -> None:
    command = importlib.import_module(f"pennant.cli.commands.{verb}").command
    assert isinstance(command, click.Command)
    assert command.name == verb


@pytest.mark.parametrize(
    "code",
    [
        "from pennant.cli.main import main; main(['--help'])",
        "from pennant.cli.main import main, VERBS; [main([verb, '--help']) for verb in VERBS]",
        "from pennant.cli.completion import main; main([''])",
        "from pennant.cli.completion import main; main(['undo', '--to-'])",
    ],
    ids=["help", "help of each verb", "completion", "completion of options"],
)
def test_help_and_completion_import_nothing_heavy(code: str) -> None:
    code += f"; import sys; print(sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_first_word_is_completed_with_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert completion.main(["hi"]) == 0
    assert capsys.readouterr().out == f"history\t{VERBS['history']}\n:4\n"


def test_options_are_completed(capsys: pytest.CaptureFixture[str]) -> None:
    completion.main(["undo", "--to-"])
    assert [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()] == [
        "--to-revision",
        "--to-version",
        ":4",
    ]


def test_names_of_a_cluster_that_does_not_answer_are_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    completion.main(["undo", "--kubeconfig", "/nonexistent", ""])
    assert capsys.readouterr().out == ":4\n"


def test_without_a_cluster_the_error_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "fraud", "--kubeconfig", "/nonexistent"]) == 1
    assert capsys.readouterr() == ("", "error: the kubeconfig file /nonexistent does not exist\n")
    assert main(["history", "fraud", "--kubeconfig", __file__]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {__file__}: ")
    assert err.endswith("; set KUBECONFIG or --kubeconfig to a file that kubectl can use\n")
    assert ".;" not in err


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [
        ("-n a --context one", "", ("a", "one", None)),
        ("", "-n a --kubeconfig=f", ("a", None, "f")),
        ("-n a --context=one --kubeconfig f", "-n b", ("b", "one", "f")),
        ("-n a -n b", "--context one --context two", ("b", "two", None)),
    ],
)
def test_cluster_flags_precede_or_follow_the_verb(
    monkeypatch: pytest.MonkeyPatch, before: str, after: str, used: tuple[str | None, ...]
) -> None:
    given: list[ClusterOptions] = []
    monkeypatch.setattr(history, "execute", lambda _selectors, cluster, *_: given.append(cluster))
    assert main([*before.split(), "history", "fraud", *after.split()]) == 0
    assert [(each.namespace, each.context, each.kubeconfig) for each in given] == [used]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["histroy"],
            'unknown command "histroy" for "pennant"; did you mean `pennant history`?\n'
            "See 'pennant --help' for usage.",
        ),
        (["help", "zzz"], 'unknown command "zzz" for "pennant"\nSee \'pennant --help\' for usage.'),
        (["undo", "fraud", "--foo"], "No such option '--foo'\nSee 'pennant undo --help' for usage."),
    ],
)
def test_wrong_words_exit_with_1_as_in_kubectl(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert main(words) == 1
    assert capsys.readouterr().err == f"error: {says}\n"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("rollback", "did you mean `pennant undo`?"),
        ("abort", "did you mean `pennant undo`?"),
        ("ls", "did you mean `pennant get`?"),
        ("describe", "did you mean `pennant get`?"),
        ("version", "did you mean `pennant versions` or `pennant --version`?"),
        ("promot", "did you mean `pennant promote`?"),
        ("rolback", "did you mean `pennant undo`?"),
        ("logs", "use `kubectl logs -l pennant.dev/modeldeployment=NAME`"),
    ],
)
def test_a_word_of_another_tool_has_a_suggestion(word: str, says: str) -> None:
    assert unknown(word, "pennant") == f'unknown command "{word}" for "pennant"; {says}'


def test_each_suggestion_exists() -> None:
    for words in OTHER_WORDS.values():
        assert all(each.split()[0] in {*VERBS, "--version"} for each in words)
    assert not (OTHER_WORDS.keys() | ELSEWHERE.keys()) & VERBS.keys()


def test_help_of_a_verb_is_that_of_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["help", "undo"], ["undo", "--help"]):
        assert main(words) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "--to-revision" in shown[0]
    assert main(["help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: pennant [OPTIONS] COMMAND")
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    completion.main(["help", "und"])
    assert capsys.readouterr().out == f"undo\t{VERBS['undo']}\n:4\n"


def test_help_names_the_program_as_kubectl_started_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/kubectl-pennant"])
    assert main(["undo", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: kubectl pennant undo [OPTIONS]")
    assert main(["undo", "--foo"]) == 1
    assert "See 'kubectl pennant undo --help' for usage." in capsys.readouterr().err


def test_no_words_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Undo to an earlier revision" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("verb", "words", "read"),
    [
        ("undo", ["--dry-run", "fraud"], ["--dry-run=client", "fraud"]),
        ("undo", ["fraud", "--dry-run=server"], ["fraud", "--dry-run=server"]),
        ("undo", ["--", "--dry-run"], ["--", "--dry-run"]),
        ("status", ["-w=false", "fraud"], ["--watch=false", "fraud"]),
        ("status", ["-w", "fraud"], ["--watch=true", "fraud"]),
        ("history", ["fraud", "--revision", "2"], ["fraud", "--revision", "2"]),
    ],
)
def test_an_optional_value_comes_after_an_equals_sign(verb: str, words: list[str], read: list[str]) -> None:
    command = importlib.import_module(f"pennant.cli.commands.{verb}").command
    assert with_values(command, words) == read


def test_a_shell_completes_the_program_itself() -> None:
    asked = {"_PENNANT_COMPLETE": "bash_complete", "COMP_WORDS": "pennant hi", "COMP_CWORD": "1"}
    code = f"import sys; sys.argv = ['pennant']; from {program.__name__} import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("plain,history\n", 0)
