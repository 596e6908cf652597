"""YAML documents whose values know their lines. A scalar means what kubectl takes it for.

Kubectl converts YAML to JSON by YAML 1.1 as Go's yaml.v2 reads it: `on`, `y` and `yes` are booleans, `1.10` is a
number, a time is a string. PyYAML alone reads times and sexagesimal numbers otherwise.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""The way to a value: names of fields, and numbers of items."""
DEEPEST = 100
MAX_NODES = 300_000
"""Values of a document after its aliases are replaced: a few lines of aliases can stand for more than a memory."""
LONGEST_INTEGER = 308
"""Digits of an integer. One that is longer than a float can be is a string to kubectl."""
TAG = "tag:yaml.org,2002:"
_BOOL = re.compile("^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$")
_INT = re.compile("^[-+]?(?:0|[1-9][0-9_]*|0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_NULL = re.compile("^(?:~|null|Null|NULL|)$")
_RESOLVERS = [(TAG + "bool", _BOOL), (TAG + "null", _NULL), (TAG + "int", _INT), (TAG + "float", _FLOAT)]
_LOADER: Any = type(
    "_Loader",
    (getattr(yaml, "CSafeLoader", yaml.SafeLoader),),
    {"yaml_implicit_resolvers": {None: [*_RESOLVERS, (TAG + "merge", re.compile("^<<$"))]}},
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; both numbers begin with 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a place of a document."""

    path: Path
    message: str
    mark: Mark | None = None
    """The place, where the path does not tell it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document, as JSON, with its nodes."""

    file: str
    value: Any
    root: yaml.Node = field(repr=False)
    problems: tuple[Problem, ...] = ()
    """Keys that are written twice, and aliases that cannot be followed."""
    prefix: Path = ()
    """Where in the document the object is: an item of a List; empty: it is the document."""

    def mark(self, path: Path) -> Mark:
        """Return the place of a field, or of the nearest object around it where the field is not there."""
        node, found = self.root, self.root
        for step in (*self.prefix, *path):
            key, child = _child(node, step)
            if child is None:
                break
            node, found = child, key or child
        return _mark(found)

    def plain(self, path: Path) -> tuple[str, Any]:
        """Return the text of a scalar without quotes and what kubectl takes it for; empty where there is none."""
        node: yaml.Node | None = self.root
        for step in (*self.prefix, *path):
            node = _child(node, step)[1] if node is not None else None
        if not isinstance(node, yaml.ScalarNode) or node.style:
            return "", None
        return node.value, scalar(node.tag, node.value)

    def items(self) -> Iterator["Document"]:
        """Yield the objects of a `List`, or the document itself where it is none."""
        value = self.value
        is_list = isinstance(value, dict) and str(value.get("kind", "")).endswith("List")
        if not is_list or not isinstance(value.get("items"), list):
            yield self
            return
        for number, each in enumerate(value["items"]):
            problems = self.problems if number == 0 else ()
            yield Document(self.file, each, self.root, problems, ("items", number))


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A file that is no YAML, from some place on."""

    file: str
    mark: Mark
    message: str


def documents(text: str, file: str) -> Iterator[Document | Unparsed]:
    """Yield the documents of a file that hold anything; last an `Unparsed` where the rest is no YAML."""
    loader = None
    try:
        # The constructor of the C loader already reads, and refuses characters that YAML does not allow.
        loader = _LOADER(text)
        while loader.check_node():
            root = loader.get_node()
            building = _Building()
            value = building.built(root, (), 0)
            if building.nodes > MAX_NODES:
                yield Unparsed(file, _mark(root), f"has more than {MAX_NODES} values; use fewer aliases")
                return
            if value is not None:
                yield Document(file, value, root, tuple(building.problems))
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at is not None else Mark(1, 1)
        said = ": ".join(filter(None, (error.context, error.problem)))
        yield Unparsed(file, mark, f"is no YAML: {said}")
    except yaml.YAMLError as error:
        yield Unparsed(file, Mark(1, 1), f"is no YAML: {' '.join(str(error).split())}")
    finally:
        if loader is not None:
            loader.dispose()


class _Building:
    """Makes JSON of nodes, and notes what is wrong with them."""

    def __init__(self) -> None:
        self.nodes = 0
        self.problems: list[Problem] = []
        self._around: list[yaml.Node] = []
        """The mappings and sequences that the next node is in."""

    def built(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self.nodes += 1
        if any(each is node for each in self._around):
            self.problems.append(Problem(path, "an alias refers to itself", _mark(node)))
            return None
        if depth > DEEPEST or self.nodes > MAX_NODES:
            if depth > DEEPEST:
                self.problems.append(Problem(path[:8], f"must not be nested in more than {DEEPEST} levels"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return scalar(node.tag, node.value)
        self._around.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path, depth)
            return [self.built(each, (*path, number), depth + 1) for number, each in enumerate(node.value)]
        finally:
            self._around.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        found, merged = dict[str, Any](), dict[str, Any]()
        for key, value in node.value:
            if key.tag == TAG + "merge":
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for part in parts:
                    built = self.built(part, path, depth + 1)
                    merged = {**(built if isinstance(built, dict) else {}), **merged}
                continue
            name = _key(key)
            if name in found:
                self.problems.append(Problem((*path, name), "is written twice", _mark(key)))
            found[name] = self.built(value, (*path, name), depth + 1)
        return {**merged, **found}


def scalar(tag: str, text: str) -> Any:
    """Return the value of a scalar with this tag."""
    match tag.removeprefix(TAG):
        case "null":
            return None
        case "bool":
            return text.lower() in ("y", "yes", "true", "on")
        case "int" if _INT.match(text) and len(text) <= LONGEST_INTEGER:
            return text if (number := _whole(text.replace("_", ""))) is None else number
        case "float" if _FLOAT.match(text):
            real = float(text.replace(".", "", 1) if text.lstrip("+-.")[:1].isalpha() else text)
            return real if math.isfinite(real) else text
    return text


def _whole(text: str) -> int | None:
    """Return an integer; None where there is a prefix without a digit, such as `0x`."""
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
    try:
        number = int(digits, 8) if octal else int(digits, 0)
    except ValueError:
        return None
    return -number if text.startswith("-") else number


def _key(node: yaml.Node) -> str:
    """Return a key as JSON has it: always a string."""
    value = scalar(node.tag, node.value) if isinstance(node, yaml.ScalarNode) else repr(node.value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _child(
    node: yaml.Node, step: str | int, merged_by: tuple[yaml.Node, ...] = ()
) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return the key and the value of a field, or None and an item; both None where there is none.

    `merged_by` are the mappings that this one is merged into: an alias may refer to one of them.
    """
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    if isinstance(node, yaml.MappingNode):
        named: Sequence[tuple[yaml.Node, yaml.Node]] = node.value
        for key, value in named:
            if _key(key) == step:
                return key, value
        for key, value in named:
            if key.tag == TAG + "merge":
                parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for part in parts:
                    if part in merged_by or part is node:
                        continue
                    if (found := _child(part, step, (*merged_by, node)))[1] is not None:
                        return found
    return None, None


def _mark(node: yaml.Node) -> Mark:
    at = node.start_mark
    return Mark(at.line + 1, at.column + 1) if at is not None else Mark(1, 1)
