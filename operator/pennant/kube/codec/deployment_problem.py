"""What the API server says of a Deployment that it refuses, in the words and fields of a ModelDeployment."""

import re

_OPENINGS = re.compile(
    r'^(?:Deployment\.apps "[^"]*" is invalid|failed to create typed patch object \([^()]*\)|'
    r'failed to convert new object \([^()]*\) to proper version|\s*"" is invalid: patch): '
)
_SAID = (
    (re.compile(r'strict decoding error: unknown field "([^"]+)"'), r"\1: unknown field"),
    (
        re.compile(r"json: cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\w+)"),
        r"\2: must be a \3, not a \1",
    ),
    (re.compile(r": field not declared in schema"), ": unknown field"),
    (
        re.compile(r": expected string, got &value\.valueUnstructured\{Value:(.{1,64}?)\}"),
        r": must be a string; write \1 in quotes",
    ),
    (re.compile(r": expected (\w+), got &value\.valueUnstructured\{Value:(.{1,64}?)\}"), r": must be a \1, not \2"),
    (re.compile(r": expected (\w+), got &\{(.{1,64}?)\}"), r": must be a \1, not \2"),
    (re.compile(r": Required value(?::|(?=[,\]])|$)"), ": is required:"),
)
_FIELDS = (
    (re.compile(r"(?<![\w.])\.?metadata\.(labels|annotations)\b"), r"spec.metadata.\1"),
    (re.compile(r"(?<![\w.])\.?spec\.strategy\.rollingUpdate\."), "spec.rollout."),
    (re.compile(r"(?<![\w.])\.?spec\.(minReadySeconds|progressDeadlineSeconds|strategy)\b"), r"spec.rollout.\1"),
    (re.compile(r"(?<![\w.])\.spec\."), "spec."),
)


def in_fields_of_the_spec(message: str) -> str:
    """Return the message with the fields of the ModelDeployment where the Deployment has them from.

    The pod template has the same path in both. A message of another form, such as that of a policy, stays as it is.
    """
    for pattern, instead in ((_OPENINGS, ""), *_SAID, *_FIELDS):
        message = pattern.sub(instead, message)
    return message.removesuffix(":")
