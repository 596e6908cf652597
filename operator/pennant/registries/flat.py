"""Values in values as parameters and metrics with one name each, and arguments of programs.

Rule: R213.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pennant.record.secrecy import SECRET_VALUE, without_credentials
from pennant.registries.notes import Notes

DEEPEST = 16
HIDDEN = "***"
"""Instead of a secret."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_OPTION = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)


def pairs(value: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the values in an object by their paths, such as `optimizer.lr`; a list is one value."""
    if isinstance(value, Mapping) and depth < DEEPEST:
        for name, each in value.items():
            yield from pairs(each, f"{prefix}.{name}" if prefix else str(name), depth + 1)
    elif prefix and value is not None:
        yield prefix, value


def parameters(value: Any, notes: Notes) -> dict[str, str]:
    """Return the values in an object as texts, without those whose name says that they are secret."""
    return plain(dict(pairs(value)), notes)


def plain(values: Mapping[str, Any], notes: Notes) -> dict[str, str]:
    """Return values as texts, without those whose name says that they are secret, and without empty ones."""
    found = {}
    for name, each in values.items():
        if each in (None, ""):
            continue
        if SECRET_VALUE.search(name):
            notes.add(f"{name[:250]} may be a secret, so the record does not have its value")
        else:
            found[name] = text(each)
    return found


def text(value: Any) -> str:
    """Return a value as a record has it: a number without needless digits, a list or an object as JSON.

    Secrets in it are hidden, by their names in objects, and in URLs.
    """
    if isinstance(value, str):
        return _URL.sub(_bare, value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return _URL.sub(_bare, json.dumps(_hidden(value), default=str, sort_keys=True))


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): HIDDEN if SECRET_VALUE.search(str(name)) else _hidden(each) for name, each in value.items()}
    return [_hidden(each) for each in value] if isinstance(value, list) else value


def _bare(url: re.Match[str]) -> str:
    try:
        return without_credentials(url[0])
    except ValueError:
        return HIDDEN


def arguments(listed: Any) -> dict[str, str]:
    """Return the options among the arguments of a program, such as `--lr=0.1` or `--lr 0.1`; one alone is true."""
    words = [str(each) for each in listed] if isinstance(listed, list) else []
    found: dict[str, str] = {}
    waiting: str | None = None
    for word in words:
        if (option := _OPTION.fullmatch(word)) is None:
            if waiting is not None:
                found[waiting] = word
            waiting = None
            continue
        found[option[1]] = "true" if option[2] is None else option[2]
        waiting = option[1] if option[2] is None else None
    return found


def shown(words: Iterable[Any]) -> str:
    """Return the command of a program as one text, without the values of options that may be secret."""
    found: list[str] = []
    hides = False
    for word in map(str, words):
        option = _OPTION.fullmatch(word)
        is_secret = option is not None and SECRET_VALUE.search(option[1]) is not None
        if option is not None and is_secret:
            found.append(word if option[2] is None else f"{word.partition('=')[0]}={HIDDEN}")
        else:
            found.append(HIDDEN if hides and option is None else word)
        hides = is_secret and option is not None and option[2] is None
    return text(" ".join(found))
