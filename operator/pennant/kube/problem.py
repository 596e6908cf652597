"""What is wrong with something that was read, as one sentence for the user who wrote it."""

from pydantic import ValidationError

from pennant.api.meta import clip


def problem(error: ValidationError, root: str = "spec") -> str:
    """Return the first error with the path of its field, and how many more there are."""
    first, *more = error.errors(include_url=False, include_context=False, include_input=False)
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    sentence = f"{root}{path}: {said}" if path else said
    return clip(f"{sentence} (and {len(more)} more)" if more else sentence)
