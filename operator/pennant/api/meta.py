"""The base of every API model and the bounded types that fields are made of.

Each string, list and map has a maximum, because the API server estimates the cost of a CEL rule
from the largest object that the schema allows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A frozen value whose field docstrings are the texts that `kubectl explain` prints.

    Unknown fields are ignored when read: a newer CRD may know more than this program.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    def to_json(self) -> dict[str, Any]:
        """Return the object as the API server stores it: camelCase, and without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rfc3339(moment: datetime) -> str:
    """Return `moment` in UTC as RFC 3339 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Json = Mapping[str, Any]

LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SEMVER_PATTERN = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-((0|[1-9][0-9]*|[0-9]*[a-z-][0-9a-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-z-][0-9a-z-]*))*))?$"
)
DIGEST_PATTERN = (
    r"^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}|md5:[a-f0-9]{32}|md5-dir:[a-f0-9]{32}"
    r"|gitSha1:[a-f0-9]{40}|crc32c:[A-Za-z0-9+/=]{6,16}|xxh128:[a-f0-9]{32}|etag:[!-~]{1,128})$"
)
DECIMAL_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$"
POSITIVE_DECIMAL_PATTERN = r"^[0-9]{1,18}(\.[0-9]{1,18})?$"
STORED_DEFAULT = "x-stored-default"
"""Schema extension: the API server itself fills the field in, because other clients read it."""


def listed(kind: str, *keys: str) -> dict[str, Any]:
    """Return the schema extension that says how server-side apply merges a list."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": kind}
    return extra | ({"x-kubernetes-list-map-keys": list(keys)} if keys else {})


ATOMIC = listed("atomic")


def validated(*rules: tuple[str, str]) -> dict[str, Any]:
    """Return the schema extension with rules for the API server, each with what it says to who breaks it.

    An object may be older than a rule that it breaks. The API server forgives that to whoever writes another part of
    the spec, but not to whoever writes the status: then nobody could say in a condition what is wrong. So a rule lets
    pass what has not changed.
    """
    return {"x-kubernetes-validations": [_rule(rule, message) for rule, message in rules]}


def _rule(rule: str, message: str) -> dict[str, Any]:
    if "oldSelf" in rule:
        return {"rule": rule, "message": message}
    unchanged = "oldSelf.hasValue() && self == oldSelf.value()"
    return {"rule": f"({rule}) || ({unchanged})", "message": message, "optionalOldSelf": True}


Label = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
"""A DNS-1123 label."""
SemanticVersion = Annotated[str, Field(min_length=5, max_length=63, pattern=SEMVER_PATTERN)]
"""Semantic version 2.0.0 without build metadata, in lower case: it is part of an object's name."""
Digest = Annotated[str, Field(min_length=7, max_length=140, pattern=DIGEST_PATTERN)]
"""`<algorithm>:<value>`."""
Decimal = Annotated[str, Field(min_length=1, max_length=38, pattern=DECIMAL_PATTERN)]
"""A decimal number as a string, so that no client rounds it."""
PositiveDecimal = Annotated[str, Field(min_length=1, max_length=37, pattern=POSITIVE_DECIMAL_PATTERN)]
"""A decimal number that is not negative, as a string."""
Seconds = Annotated[int, Field(ge=0, le=31_536_000)]
"""A span of time of at most a year."""
Uri = Annotated[str, Field(min_length=1, max_length=2048)]
Word = Annotated[str, Field(min_length=1, max_length=63)]
Line = Annotated[str, Field(max_length=256)]
Message = Annotated[str, Field(max_length=1024)]
Text = Annotated[str, Field(max_length=8192)]
ContentDigest = Annotated[str, Field(max_length=71)]
"""`sha256:` and 64 hexadecimal digits, or empty."""
Timestamp = Annotated[datetime, PlainSerializer(rfc3339, when_used="json")]


def clip(message: str, limit: int = 1024) -> str:
    """Return `message`, cut to `limit` characters with an ellipsis where it is longer."""
    return message if len(message) <= limit else message[: limit - 1] + "…"
