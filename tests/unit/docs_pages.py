"""The pages of the documentation as tests read them: links, headings, blocks of code, words in backticks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)(```+)([^\n`]*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Page:
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """The text without blocks of code and comments."""
        return re.sub(r"<!--.*?-->", "", FENCE.sub("", self.text), flags=re.DOTALL)

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """The language and the text of each block of code."""
        return [(each[3].strip(), each[4]) for each in FENCE.finditer(self.text)]

    @property
    def quoted(self) -> list[str]:
        """What stands in backticks."""
        return [" ".join(each[1].split()) for each in re.finditer(r"(?<!`)`([^`]+)`(?!`)", self.prose)]

    @property
    def links(self) -> list[str]:
        return LINK.findall(re.sub(r"(?<!`)`[^`]+`(?!`)", "", self.prose))

    @cached_property
    def anchors(self) -> frozenset[str]:
        """The anchors that a forge gives to the headings."""
        return frozenset(map(anchor, re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)))

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))


def anchor(heading: str) -> str:
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")


def pages() -> Iterator[Page]:
    yield Page(ROOT / "README.md")
    yield from map(Page, sorted((ROOT / "docs").rglob("*.md")))
