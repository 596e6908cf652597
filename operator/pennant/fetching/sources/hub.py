"""Files of the Hugging Face Hub over its HTTPS: `hf://ORG/NAME[@REVISION][/PATH]`, by its resolve URLs.

`HF_TOKEN` reads private repositories, and `HF_ENDPOINT` names another server.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from pennant.fetching.sources.source import Opened, Unavailable
from pennant.fetching.sources.web import Web, document

ENDPOINT = "https://huggingface.co"
_URI = re.compile(r"hf://(?P<repository>[^/@]+/[^/@]+)(@(?P<revision>[^/]+))?(/(?P<path>.*))?")
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


class Hub:
    """A file or a directory of a model repository, at one revision."""

    def __init__(self, uri: str) -> None:
        """Take a URI with the scheme `hf`; raises `Unavailable`."""
        found = _URI.fullmatch(uri)
        if found is None:
            raise Unavailable("must be hf://ORG/NAME@REVISION/PATH", is_final=True)
        self._repository, self._path = found["repository"], (found["path"] or "").strip("/")
        self._revision = quote(found["revision"] or "main", safe="")
        self._endpoint = os.environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")
        token = os.environ.get("HF_TOKEN", "")
        self._secret = f"Bearer {token}" if token else ""

    def files(self) -> Mapping[str, int | None]:
        """Return the files below the directory, as the Hub lists them."""
        url = f"{self._endpoint}/api/models/{self._repository}/tree/{self._revision}"
        url += f"/{quote(self._path)}?recursive=true" if self._path else "?recursive=true"
        found: dict[str, int | None] = {}
        prefix = f"{self._path}/" if self._path else ""
        while url:
            content, headers = document(url, secret=self._secret)
            try:
                listed = [each for each in json.loads(content) if each["type"] == "file"]
                found |= {str(each["path"]).removeprefix(prefix): int(each["size"]) for each in listed}
            except (ValueError, KeyError, TypeError) as error:
                raise Unavailable("the Hub's list of files cannot be read") from error
            url = self._next(url, headers)
        return found

    def _next(self, url: str, headers: Any) -> str:
        """Return the URL of the next page, which must be of the same server; empty: there is none."""
        found = _NEXT.search(headers.get("Link") or "")
        following = urljoin(url, found[1]) if found else ""
        return following if urlsplit(following)[:2] == urlsplit(url)[:2] else ""

    def open(self, path: str, offset: int) -> Opened:
        """Return a file from an offset on."""
        place = "/".join(each for each in (self._path, path) if each)
        url = f"{self._endpoint}/{self._repository}/resolve/{self._revision}/{quote(place)}"
        return Web(url, self._secret).open("", offset)
