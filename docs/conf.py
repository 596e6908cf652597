"""Builds the pages of this directory into a site: `sphinx-build --fail-on-warning docs build/docs`.

The pages are plain Markdown that a forge shows too, so index.md has no table of contents in Sphinx's own syntax: its
headings and the links below them are the navigation of the site.
"""

import re
import tomllib
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
html_theme = "furo"
html_title = f"Pennant {release}"
html_static_path = ["_static"]
html_css_files = ["pennant.css"]
html_copy_source = False
html_theme_options = {"navigation_with_keys": False}


def _navigation(app: Sphinx, name: str, source: list[str]) -> None:
    """Append a hidden table of contents to index.md for each heading that has links to pages below it."""
    if name != root_doc:
        return
    headings = [*re.finditer(r"^## (.+)$", source[0], re.MULTILINE)]
    ends = [*(each.start() for each in headings[1:]), len(source[0])]
    for heading, end in zip(headings, ends, strict=True):
        pages = re.findall(r"^- .*?\]\(([\w/-]+)\.md\)", source[0][heading.end() : end], re.MULTILINE)
        if pages:
            listed = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {heading[1]}\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    """Register the navigation."""
    app.connect("source-read", _navigation)
