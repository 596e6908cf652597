"""`spec.tags` in the text of a manifest: only its own lines change.

A dump of the whole document would keep comments and quotes, but not all line breaks and indentation. So the places that
ruamel.yaml tells of are edited in the text. The result is parsed again: it must hold the new tags, and be the same
otherwise. Where such an edit is not possible, as with tags by an alias, the document is dumped whole.
"""

import re
from typing import Any

from pennant.cli.yaml_text import Unparsable, dumped, parsed

_FLOW = re.compile(r"\[([^\[\]#]*)\]")
_EMPTY = re.compile(r"(null|~|Null|NULL)?(?=[ \t]*(#|$))")


class CannotEdit(Exception):
    """The tags are written in a way that cannot be changed; the message says why."""


def with_tags(text: str, found: Any, tags: tuple[str, ...]) -> str:
    """Return the text with other tags of a ModelVersion; `found` was parsed from this text, by `documents`."""
    expected = _expected(text, found, tags)
    edited = _edited(text, found["spec"], tags)
    if edited is not None and _holds(edited, expected):
        return edited
    whole = _dumped(text, found, tags)
    if not _holds(whole, expected):
        raise CannotEdit("the result would not be the same manifest with other tags")
    return whole


def _expected(text: str, found: Any, tags: tuple[str, ...]) -> list[Any]:
    documents = parsed(text)
    _same(documents, found)["spec"]["tags"] = list(tags)
    return documents


def _same(documents: list[Any], found: Any) -> Any:
    """Return the object at the place of another one that was parsed from the same text."""
    for each in documents:
        items = each.get("items") if isinstance(each, dict) else None
        for one in items if isinstance(items, list) else (each,):
            if isinstance(one, dict) and (one.lc.line, one.lc.col) == (found.lc.line, found.lc.col):  # type: ignore[attr-defined]
                return one
    raise CannotEdit("it is no longer at its place in the file")


def _holds(text: str, expected: list[Any]) -> bool:
    try:
        return bool(parsed(text) == expected)
    except Unparsable:
        return False


def _dumped(text: str, found: Any, tags: tuple[str, ...]) -> str:
    documents = parsed(text)
    spec = _same(documents, found)["spec"]
    spec["tags"] = list(tags)
    return dumped(text, documents)


def _edited(text: str, spec: Any, tags: tuple[str, ...]) -> str | None:
    """Return the text with these tags in its own style; None: they are written in a way that is not known here."""
    lines = text.splitlines(keepends=True)
    if "tags" not in spec:
        return _inserted(lines, spec, tags)
    line, column = spec.lc.value("tags")
    present = spec["tags"]
    if present is None:
        line, column = spec.lc.key("tags")
        return _valued(lines, line, column, tags)
    if present.fa.flow_style() or not present:
        return _in_flow(lines, line, column, tags)
    return _in_block(lines, spec, tags)


def _inserted(lines: list[str], spec: Any, tags: tuple[str, ...]) -> str | None:
    """Return the text with a new field `tags` after `version`."""
    anchor = "version" if "version" in spec else next(iter(spec))
    line, column = spec.lc.key(anchor)
    if spec.fa.flow_style():
        # A field of a flow mapping, as of JSON: it comes before the first one.
        line, column = spec.lc.key(next(iter(spec)))
        quote = lines[line][column] if lines[line][column] in "\"'" else ""
        listed = ", ".join(f"{quote}{each}{quote}" for each in tags)
        between = ", " if lines[line][:column].strip() else f",{_ending(lines[line])}{lines[line][:column]}"
        lines[line] = f"{lines[line][:column]}{quote}tags{quote}: [{listed}]{between}{lines[line][column:]}"
        return "".join(lines)
    if not lines[line].endswith("\n"):
        lines[line] += "\n"
    lines.insert(line + 1, f"{' ' * column}tags: [{', '.join(tags)}]{_ending(lines[line])}")
    return "".join(lines)


def _valued(lines: list[str], line: int, column: int, tags: tuple[str, ...]) -> str | None:
    """Return the text with a value for the field `tags` that has none."""
    head, colon, rest = lines[line][column:].partition(":")
    found = _EMPTY.match(rest.lstrip(" \t").rstrip("\r\n"))
    if not colon or found is None:
        return None
    after = rest.lstrip(" \t")[found.end() :]
    lines[line] = f"{lines[line][:column]}{head}: [{', '.join(tags)}]{' ' if after.startswith('#') else ''}{after}"
    return "".join(lines)


def _in_flow(lines: list[str], line: int, column: int, tags: tuple[str, ...]) -> str | None:
    """Return the text with other items in `[a, b]`, in one line or in several."""
    start = sum(map(len, lines[:line])) + column
    text = "".join(lines)
    found = _FLOW.match(text, start)
    if found is None:
        return None
    inner = found.group(1)
    pieces = inner.split(",") if inner.strip() else []
    kept = {each.strip().strip("\"'"): each for each in pieces}
    quote = next((each.strip()[0] for each in pieces if each.strip()[:1] in ('"', "'")), "")
    if not pieces and text.lstrip().startswith("{"):
        quote = '"'
    gap = re.match(r"\s*", pieces[-1] if len(pieces) > 1 else inner)
    lead = gap.group(0) if gap is not None and pieces and (len(pieces) > 1 or "\n" in inner) else " "
    items = [kept[each].strip() if each in kept else f"{quote}{each}{quote}" for each in tags]
    first, last = re.match(r"\s*", inner), re.search(r"\s*$", inner)
    opening, closing = (first.group(0), last.group(0)) if first and last and pieces and items else ("", "")
    body = f",{lead}".join(items)
    return f"{text[: found.start(1)]}{opening}{body}{closing}{text[found.end(1) :]}"


def _in_block(lines: list[str], spec: Any, tags: tuple[str, ...]) -> str | None:
    """Return the text with other items of a list with one item per line."""
    present = [str(each) for each in spec["tags"]]
    places = [spec["tags"].lc.item(number)[0] for number in range(len(present))]
    gone = [place for each, place in zip(present, places, strict=True) if each not in tags]
    last = lines[places[-1]]
    dash = re.match(r"(\s*)-(\s+)", last)
    if dash is None or any(not re.match(r"\s*-\s", lines[place]) for place in places):
        return None
    if not tags:
        key_line, key_column = spec.lc.key("tags")
        for place in reversed(gone):
            del lines[place]
        return _valued(lines, key_line, key_column, ())
    fresh = [f"{dash.group(1)}-{dash.group(2)}{each}{_ending(last)}" for each in tags if each not in present]
    if fresh and not last.endswith("\n"):
        lines[places[-1]] += "\n"
    lines[places[-1] + 1 : places[-1] + 1] = fresh
    for place in reversed(gone):
        del lines[place]
    return "".join(lines)


def _ending(line: str) -> str:
    return "\r\n" if line.endswith("\r\n") else "\n"
