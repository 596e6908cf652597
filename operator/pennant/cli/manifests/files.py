"""The files that `-f` arguments mean, with their texts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pennant.cli import names
from pennant.cli.errors import CliError

SUFFIXES = (".yaml", ".yml", ".json")


def texts(filenames: Sequence[str], recursive: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file; raises `CliError` where one cannot be read."""
    for filename in filenames:
        for path in _expanded(filename) if recursive else [filename]:
            try:
                yield from ((where, text) for text, where in names.manifest_texts(path))
            except UnicodeDecodeError as error:
                raise CliError(f"{path} is no text in UTF-8: {error.reason}") from error
            except OSError as error:
                raise CliError(f"{path} cannot be read: {error.strerror}") from error


def _expanded(filename: str) -> Iterator[str]:
    path = Path(filename)
    if filename == "-" or not path.is_dir():
        yield filename
        return
    yield from sorted(str(each) for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
