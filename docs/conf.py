"""Builds the pages of this directory into a site: `sphinx-build --fail-on-warning docs build/docs`.

The pages are plain Markdown that a forge shows too, so index.md has no table of contents in Sphinx's own syntax: its
headings and the links below them are the navigation of the site, and so are the links of the README.md of a directory.
"""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

project = "Pennant"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
extensions = ["myst_parser"]
root_doc = "index"
# A link to a heading names the anchor that a forge gives it.
myst_heading_anchors = 4
highlight_language = "text"
# They would make one dash of the two of a flag.
smartquotes = False
html_theme = "furo"
html_title = f"Pennant {release}"
html_static_path = ["_static"]
html_css_files = ["pennant.css"]
html_copy_source = False
html_theme_options = {"navigation_with_keys": False}


def _navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Append a hidden table of contents to index.md for each heading with links below it, and one to each README.md."""
    text = source[0]
    if name == root_doc:
        parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
        for caption, part in zip(parts[1::2], parts[2::2], strict=True):
            source[0] += _contents(re.findall(r"^- .*?\]\(([\w/-]+)\.md\)", part, re.MULTILINE), caption)
    elif name.endswith("/README"):
        source[0] += _contents(dict.fromkeys(re.findall(r"\]\(([\w-]+)\.md\)", text)))


def _outside(app: Sphinx, name: str, source: list[str]) -> None:
    """Make each link to a file outside of this directory a download, and remove links to directories there.

    A forge shows both; neither is a page of the site.
    """
    page = Path(app.srcdir, name)
    up = re.escape("../" * (name.count("/") + 1))

    def replaced(link: re.Match[str]) -> str:
        words, target = link.groups()
        return words if (page.parent / target).is_dir() else f"[{words}](path:{target})"

    source[0] = re.sub(rf"\[([^]]*)\]\(({up}[^)]*)\)", replaced, source[0])


def _contents(pages: Iterable[str], caption: str = "") -> str:
    listed = "\n".join(pages)
    options = ":hidden:" + (f"\n:caption: {caption}" if caption else "")
    return f"\n\n```{{toctree}}\n{options}\n\n{listed}\n```\n" if listed else ""


def setup(app: Sphinx) -> None:
    """Register what changes the text of a page before it is read."""
    app.connect("source-read", _navigation)
    app.connect("source-read", _outside)
