"""The pages of docs/ as a site: it builds without warnings, finds broken links, and loads nothing from the network."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def built(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the pages as the project's own command does; the result has the warnings."""
    options = ("--quiet", "--fail-on-warning", "--keep-going", "--fresh-env")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(source), str(site)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site")
    done = built(DOCS, path)
    assert (done.returncode, done.stderr) == (0, "")
    return path


def test_every_page_is_there_and_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text()
    navigation = set(re.findall(r'class="reference internal" href="([\w/.-]+\.html)"', start))
    pages = {str(each.relative_to(DOCS).with_suffix(".html")) for each in DOCS.rglob("*.md")}
    assert {each for each in pages if not (site / each).exists()} == set()
    # The pages of a directory with a README.md are in the navigation of that page.
    listed = {each for each in pages if not (site / each).with_name("README.html").exists()}
    assert listed - navigation - {"index.html"} == set()


def test_no_page_loads_anything_from_the_network(site: Path) -> None:
    loads = re.compile(
        r'<(?:script|img|iframe|link(?! rel="(?:canonical|search|index|next|prev|author)"))[^>]*?'
        r'(?:src|href)="((?:https?:)?//[^"]+)"'
    )
    pages = [each.read_text() for each in site.rglob("*.html")]
    assert [found for page in pages for found in loads.findall(page)] == []
    styles = [each.read_text() for each in site.rglob("*.css")]
    assert [found for style in styles for found in re.findall(r"(?:@import|url\()[^;)]*//[^;)]*", style)] == []


@pytest.mark.parametrize(
    "line", ["[a](nowhere.md)", "[a](concepts.md#nothing)", "[a](#nothing)", "```{toctree}\nnowhere\n```"]
)
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, line: str) -> None:
    source = tmp_path / "checkout" / "docs"
    source.mkdir(parents=True)
    shutil.copy(DOCS / "conf.py", source)
    shutil.copy(DOCS.parent / "pyproject.toml", source.parent)
    (source / "_static").mkdir()
    (source / "concepts.md").write_text("# Concepts\n")
    (source / "index.md").write_text(f"# Start\n\n## All\n\n- [Concepts](concepts.md)\n\n{line}\n")
    assert built(source, tmp_path / "site").returncode != 0
