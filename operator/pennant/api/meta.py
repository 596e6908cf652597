"""The base of every API model and the bounded types that fields are made of.

Each string, list and map has a maximum, because the API server estimates the cost of a CEL rule
from the largest object that the schema allows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from pennant.api.number import DECIMAL_PATTERN, FINITE, POSITIVE, POSITIVE_DECIMAL_PATTERN


def _exact(schema: Any) -> Any:
    """Return a pydantic schema in which integers and booleans are not made from strings."""
    match schema:
        case dict():
            exact = {"strict": True} if schema.get("type") in ("int", "bool") else {}
            return {key: each if key == "metadata" else _exact(each) for key, each in schema.items()} | exact
        case list():
            return [_exact(each) for each in schema]
        case _:
            return schema


class ApiModel(BaseModel):
    """A frozen model whose field docstrings are the descriptions in the CRD, which `kubectl explain` prints.

    Unknown fields are ignored when read: a newer CRD may have more.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept integers and booleans only as JSON has them, not as `"3"` or `yes`."""
        schema: CoreSchema = _exact(handler(source))
        return schema

    @classmethod
    def rules(cls) -> tuple[tuple[str, str], ...]:
        """Return the rules of CEL that the API server checks, each with what is said to who breaks it."""
        return getattr(cls, "RULES", ())

    def to_json(self) -> dict[str, Any]:
        """Return the object as the API server stores it: camelCase, and without absent fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rfc3339(moment: datetime) -> str:
    """Return `moment` in UTC as RFC 3339 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Json = Mapping[str, Any]


class Open:
    """Mixin for an enumeration of a status: a value that only a newer release knows is read and kept.

    Enumerations of a spec are closed: an unknown value there is an error of its author.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Return a new member for an unknown value; None if it is not a CamelCase word of at most 63 letters."""
        if not isinstance(value, str) or not re.fullmatch(WORD_PATTERN, value):
            return None
        # Created as the enumeration creates its members, but not listed among them.
        word: Any = str.__new__(cls, value)  # type: ignore[type-var]
        word._name_ = word._value_ = value
        return cls._described(word)

    @classmethod
    def _described(cls, word: Self) -> Self:
        """Return an unknown value with the attributes that members of the enumeration have."""
        return word


LONGEST_NAME = 52
"""`<name>-<revision>` and the label that carries the name of a ModelDeployment must fit into 63 characters."""
LAST_REVISION = 999_999_999
"""The largest number of a revision; one revision each second reaches it after 31 years.

A client that may write a status can write any number into it: without a limit, a number of ten digits made a new
ControllerRevision in each pass.
"""
NAME = 128
"""Maximum length that the API server allows for the name of a field manager."""
LONGEST_RESTART = 32
"""A time with its zone, as kubectl writes it, has 25 characters."""
SENTENCE = 512
"""Maximum length of a text that is kept for each of a hundred revisions."""
WORD_PATTERN = r"^[A-Za-z][A-Za-z0-9]{0,62}$"
LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""What may be a part of the name of an object: a model and a version are parts of the name of a ModelVersion."""
VERSION_PATTERN = r"^[a-z0-9]+(-+[a-z0-9]+)*(\.[a-z0-9]+(-+[a-z0-9]+)*)*$"
"""The same strings as `SUBDOMAIN_PATTERN`, with a meaning of its own."""
LABEL_VALUE_PATTERN = r"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"
SEMVER_PATTERN = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-((0|[1-9][0-9]*|[0-9]*[a-z-][0-9a-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-z-][0-9a-z-]*))*))?$"
)
DIGEST_PATTERN = (
    r"^(sha256:[A-Fa-f0-9]{64}|sha384:[A-Fa-f0-9]{96}|sha512:[A-Fa-f0-9]{128}|sha1:[A-Fa-f0-9]{40}"
    r"|blake3:[A-Fa-f0-9]{64}|md5:([A-Fa-f0-9]{32}|[A-Za-z0-9+/]{22}==)|md5-dir:[A-Fa-f0-9]{32}"
    r"|gitSha1:[A-Fa-f0-9]{40}|crc32c:[A-Za-z0-9+/=]{6,16}|xxh128:[A-Fa-f0-9]{32}|mlflow:[A-Fa-f0-9]{8,64}"
    r"|etag:[!-~]{1,128})$"
)
"""Algorithms of registries and stores. `md5-dir` is that of DVC for a directory, `mlflow` the short one of MLflow for a
data set. Hexadecimal digits may be capitals, and an md5 may be in base64, as cloud stores have it."""
COMMIT_PATTERN = r"^[a-f0-9]{7,64}$"
VARIABLE_PATTERN = r"^[-._a-zA-Z][-._a-zA-Z0-9]*$"
MOUNT_PATH_PATTERN = r"^(/[-._a-zA-Z0-9]*[-_a-zA-Z0-9])+$"
SIZE_PATTERN = r"^[1-9][0-9]{0,14}(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
MEANINGS: Mapping[str, str] = {
    LABEL_PATTERN: "must be lower-case letters, digits and dashes, such as fraud-eu",
    SUBDOMAIN_PATTERN: "must be lower-case letters, digits, dots and dashes, and begin and end with a letter or digit, "
    "also beside each dot",
    VERSION_PATTERN: "must be lower-case letters, digits, dots and dashes, such as 1.4.0, v3, 2024-05-01 or the "
    "hash of a commit; write 1.4.0+gpu as 1.4.0-gpu, Release_7 as release-7, v1.0 beta as v1.0-beta, and a number such "
    "as 3 as '3' in quotes or as 3.0.0",
    LABEL_VALUE_PATTERN: "must be letters, digits, dots, dashes and underscores, and begin and end with a letter or "
    "digit",
    DIGEST_PATTERN: "must be <algorithm>:<value>, such as sha256: and 64 hexadecimal digits; algorithms are sha256, "
    "sha384, sha512, sha1, blake3, md5, md5-dir, gitSha1, crc32c, xxh128, mlflow and etag",
    DECIMAL_PATTERN: FINITE,
    POSITIVE_DECIMAL_PATTERN: POSITIVE,
    VARIABLE_PATTERN: "must be letters, digits, dashes, dots and underscores, and not begin with a digit",
    MOUNT_PATH_PATTERN: "must be an absolute path such as /mnt/models; letters, digits, dots, dashes and underscores",
    SIZE_PATTERN: "must be a number of bytes with an optional unit, such as 20Gi",
    COMMIT_PATTERN: "must be the hash of a commit: 7 to 64 lower-case hexadecimal digits",
}
"""What a value must be to match a pattern, as a sentence for users."""
RULES = "x-rules"
STORED_DEFAULT = "x-stored-default"
"""Schema extension: the API server itself sets the default, because other clients read the field."""


def listed(kind: str, *keys: str) -> dict[str, Any]:
    """Return the schema extension that says how server-side apply merges a list."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": kind}
    return extra | ({"x-kubernetes-list-map-keys": list(keys)} if keys else {})


ATOMIC = listed("atomic")


def validated(*rules: tuple[str, str]) -> dict[str, Any]:
    """Return the schema extension with CEL rules, each with its message."""
    return {RULES: rules}


ANY_WORD = WithJsonSchema({"type": "string", "maxLength": 63, "pattern": WORD_PATTERN})
"""The schema of an open enumeration. It lists no values, because a newer operator may write more."""
Label = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
"""A DNS-1123 label."""
Subdomain = Annotated[str, Field(min_length=1, max_length=63, pattern=SUBDOMAIN_PATTERN)]
"""A DNS-1123 subdomain that fits into the value of a label."""
VersionName = Annotated[str, Field(min_length=1, max_length=63, pattern=VERSION_PATTERN)]
"""A version as its registry names it. It is part of an object's name. Only semantic versions have an order."""
LabelValue = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_VALUE_PATTERN)]
"""The value of a label, not empty."""
Digest = Annotated[str, Field(min_length=7, max_length=140, pattern=DIGEST_PATTERN)]
"""`<algorithm>:<value>`."""
RevisionNumber = Annotated[int, Field(ge=1, le=LAST_REVISION)]
"""Number of a revision; numbers only grow."""
Seconds = Annotated[int, Field(ge=0, le=31_536_000)]
"""A duration in seconds, at most a year."""
RegistryKey = Annotated[str, Field(min_length=1, max_length=250)]
"""The name of a metric or a parameter, as its registry has it; MLflow allows 250 characters."""
Uri = Annotated[str, Field(min_length=1, max_length=2048)]
Word = Annotated[str, Field(min_length=1, max_length=63)]
DatasetName = Annotated[str, Field(min_length=1, max_length=253)]
"""The name of a data set, as its registry has it."""
Line = Annotated[str, Field(max_length=256)]
Name = Annotated[str, Field(max_length=NAME)]
Sentence = Annotated[str, Field(max_length=SENTENCE)]
Message = Annotated[str, Field(max_length=1024)]
Text = Annotated[str, Field(max_length=8192)]
ShortHash = Annotated[str, Field(min_length=1, max_length=16)]
"""The first hexadecimal digits of a digest."""
ContentDigest = Annotated[str, Field(max_length=71)]
"""`sha256:` and 64 hexadecimal digits, or empty."""


@dataclass(frozen=True, slots=True)
class IntOrText:
    """Makes the annotation of a field that is an integer, or a text that matches a pattern."""

    pattern: str
    """What a text must match."""
    least: int
    """The smallest integer."""
    longest: int
    """Characters of the longest text."""
    rule: tuple[str, str]
    """The CEL rule that says the same, and its message, which is also that of the `ValueError`."""
    most: int | None = None
    """The largest integer; None: any."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the value before it is read as a number or a text."""
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema with the extension of Kubernetes for such a field."""
        schema = {"x-kubernetes-int-or-string": True, "maxLength": self.longest, "pattern": self.pattern}
        return schema | validated(self.rule)

    def _checked(self, value: object) -> object:
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        if type(value) is int and value >= self.least and (self.most is None or value <= self.most):
            return value
        raise ValueError(self.rule[1])


def _sensible(moment: datetime) -> datetime:
    if not 1970 < moment.year < 3000:
        raise ValueError("must be a time between 1970 and 3000")
    return moment


# Times are compared and added to, so they have a time zone, and are far from the ends of the calendar.
Timestamp = Annotated[AwareDatetime, AfterValidator(_sensible), PlainSerializer(rfc3339, when_used="json")]


def clip(message: str, limit: int = 1024) -> str:
    """Return `message` with escaped control characters, cut to `limit` characters with an ellipsis.

    Every text of a status or an Event passes through here, because most quote values that others wrote.

    Rule: R101.
    """
    # Escape only what is kept.
    shown = printable(message[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def printable(text: str) -> str:
    r"""Return the text with characters that are not printable as escapes, such as `U+202E` as `\u202e`."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _by_number(each) for each in text)


def _by_number(sign: str) -> str:
    number = ord(sign)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
