"""The remotes of a DVC repository, by its `.dvc/config`, and where an output is in them. Nothing is read here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pennant.record.dvc import sections
from pennant.record.secrecy import without_credentials
from pennant.registries.dvc.outputs import Output

FILE = ".dvc/config"
CHAIN = "remote://"
VERSION_OF: Mapping[str, str] = {
    "s3": "?versionId=",
    "gs": "#generation=",
    "az": "?versionid=",
    "azure": "?versionid=",
    "abfs": "?versionid=",
    "abfss": "?versionid=",
}
"""How a URL says which version of an object is meant."""


@dataclass(frozen=True, slots=True)
class Remotes:
    """The remotes of a commit."""

    sections: Mapping[str, Mapping[str, str]]
    checkout: Path | None
    """The top of the work tree, for relative paths; None: they lead nowhere."""

    def url(self, name: str | None = None) -> str | None:
        """Return the address of a remote, or of the default one, without credentials; None: it has none."""
        known = self._of(name)
        url = known.get("url", "").rstrip("/")
        if url.startswith(CHAIN):
            base, _, rest = url.removeprefix(CHAIN).partition("/")
            url = f"{self._of(base).get('url', '').rstrip('/')}/{rest}".rstrip("/")
        if "://" in url:
            return without_credentials(url)
        if url.startswith("/"):
            return Path(url).as_uri()
        return self._relative(url)

    def _relative(self, path: str) -> str | None:
        """Return the address of a path that is relative to `.dvc`."""
        if not path or self.checkout is None:
            return None
        return Path(os.path.normpath(self.checkout / ".dvc" / path)).as_uri()

    def _of(self, name: str | None) -> Mapping[str, str]:
        wanted = name or self.sections.get("core", {}).get("remote", "")
        return self.sections.get(f"'remote \"{wanted}\"'", {})

    def is_versioned(self, name: str | None) -> bool:
        """Return whether a remote keeps files under their own names, in versions of a cloud store."""
        known = self._of(name)
        return any(known.get(each, "").lower() == "true" for each in ("version_aware", "worktree"))

    def address(self, one: Output) -> str | None:
        """Return where the bytes of an output are; None: no remote is known. Of a directory it is its list of files."""
        if one.is_outside:
            return without_credentials(one.path) if "://" in one.path else Path(one.path).as_uri()
        base = self.url(one.remote)
        if base is None:
            return None
        if one.key is not None:
            return f"{base}/{place(one.key, one.is_legacy)}"
        if self.is_versioned(one.remote):
            return versioned(f"{base}/{quote(one.path)}", one.version)
        return None


def of_text(text: str, checkout: Path | None) -> Remotes:
    """Return the remotes of a `.dvc/config`; none where it is damaged."""
    return Remotes(sections(text), checkout)


def place(key: str, is_legacy: bool) -> str:
    """Return the path of an object in a store of DVC."""
    return f"{'' if is_legacy else 'files/md5/'}{key[:2]}/{key[2:]}"


def versioned(url: str, version: str | None) -> str:
    """Return the address of a version of an object."""
    word = VERSION_OF.get(url.partition("://")[0])
    return f"{url}{word}{quote(version, safe='')}" if version and word else url
