"""The files that `-f` arguments mean, with their texts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pennant.cli import names
from pennant.cli.errors import CliError
from pennant.cli.manifests.documents import Mark, Unparsed


def texts(filenames: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file; raises `CliError` where one cannot be read."""
    for path, text in contents(filenames):
        if isinstance(text, Unparsed):
            raise CliError(f"{path} {text.message}")
        yield path, text


def contents(filenames: Sequence[str], recursive: bool = False) -> Iterator[tuple[str, str | Unparsed]]:
    """Yield the path of each file, and its text or why there is none; raises `CliError` where a path does not exist."""
    for filename in filenames:
        for given in _expanded(filename) if recursive else [filename]:
            try:
                found = names.manifest_paths(given)
            except OSError as error:
                raise CliError(f"{given} cannot be read: {error.strerror}") from error
            for path in found:
                yield path, _content(path)


def _content(path: str) -> str | Unparsed:
    try:
        return names.manifest_text(path)
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        mark = Mark(before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1)
        return Unparsed(path, mark, f"is no text in UTF-8: {error.reason}")
    except OSError as error:
        return Unparsed(path, Mark(1, 1), f"cannot be read: {error.strerror}")


def _expanded(filename: str) -> Iterator[str]:
    path = Path(filename)
    if filename == "-" or not path.is_dir():
        yield filename
        return
    yield from sorted(str(each) for each in path.rglob("*") if each.suffix in names.SUFFIXES and each.is_file())
