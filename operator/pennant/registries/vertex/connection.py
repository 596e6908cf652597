"""Opens a location of Vertex AI with the credentials that Google's own clients find."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pennant.registries.catalogue import Given
from pennant.registries.http import Http, base_address
from pennant.registries.protocol import NoAccess, Registry
from pennant.registries.tokens import Token, Tokens
from pennant.registries.tokens import given as given_token
from pennant.registries.vertex.registry import Vertex

TOKEN = "GOOGLE_OAUTH_ACCESS_TOKEN"
PROJECT, LOCATION = "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HINT = (
    f"Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS or {TOKEN}; the role "
    "roles/aiplatform.viewer permits all reads"
)
BUSY_PAUSE = 4.0
"""Quotas of Vertex AI count requests by the minute, and their errors do not say when to ask again."""
_PLACE = re.compile(r"(?P<host>https?://[^/]+)?/?(v1/)?(?P<name>projects/[^/]+/locations/(?P<location>[a-z0-9-]+))/?")


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open a location; raises `NoAccess` where nothing says which one, or there are no credentials."""
    host, name = place(given.address, given.environment)
    tokens = _tokens(given)
    http = Http(host, {}, hint=HINT, token=tokens.value, busy_pause=BUSY_PAUSE, now=given.now)
    try:
        yield Vertex(http, host, name, tokens, given.repository)
    finally:
        await http.close()


def place(address: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address of the API and the name of the location."""
    if not address:
        project, location = environment.get(PROJECT), environment.get(LOCATION)
        if not project or not location:
            raise NoAccess(
                f"no registry is given; use --from projects/PROJECT/locations/LOCATION, or set {PROJECT} and {LOCATION}"
            )
        address = f"projects/{project}/locations/{location}"
    if (found := _PLACE.fullmatch(address)) is None:
        raise NoAccess(
            f"{address.rpartition('@')[2]} is no location of Vertex AI; write it as "
            "projects/PROJECT/locations/LOCATION, such as projects/shop/locations/europe-west4"
        )
    if found["host"]:
        return base_address(found["host"], "an API of Vertex AI"), found["name"]
    # The global location has an endpoint without a prefix.
    prefix = "" if found["location"] == "global" else f"{found['location']}-"
    return f"https://{prefix}aiplatform.googleapis.com", found["name"]


def _tokens(given: Given) -> Tokens:
    if value := given.environment.get(TOKEN):
        return given_token(value, given.now)
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    known: list[Any] = []

    def fetch() -> Token:
        try:
            if not known:
                known.append(google.auth.default(scopes=[SCOPE])[0])
            known[0].refresh(Request())
        except GoogleAuthError as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise NoAccess(f"there are no credentials for Google: {said}. {HINT}") from error
        return Token(str(known[0].token), _utc(known[0].expiry))

    return Tokens(fetch, given.now)


def _utc(moment: datetime | None) -> datetime | None:
    """Return a time of google-auth, which is in UTC and does not say so."""
    return moment.replace(tzinfo=UTC) if moment is not None else None
