"""Commands as annotations: what is written is read back as the same command."""

import pytest

from pennant.core.facts.command import Command, Verb, read


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(("by", "reason"), [("", ""), ("ada", "accuracy fell")])
def test_the_annotations_of_a_command_give_that_command(verb: Verb, by: str, reason: str) -> None:
    command = Command(verb, "1.0.0", "2026-11-29T10:00:00Z", True, by, reason)
    before = dict.fromkeys((each.annotation for each in Verb), "0.9.0")
    before |= {"pennant.dev/requested-by": "grace", "pennant.dev/reason": "of another command"}
    patched = {name: value for name, value in (before | command.annotations()).items() if value is not None}
    assert read(patched) == command
