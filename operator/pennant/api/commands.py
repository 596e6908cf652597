"""The answers to commands in the status of a ModelDeployment: `status.lastCommand` and `status.commands`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.meta import ANY_WORD, ApiModel, Line, Message, Name, Open, RevisionNumber, Timestamp

MOST_COMMANDS = 16
LONGEST_COMMAND = 80
CommandText = Annotated[str, Field(max_length=LONGEST_COMMAND)]
"""A command in words: what it does, and its value; a long value is cut, and ends with a hash."""


class CommandResult(Open, StrEnum):
    """What became of a command."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    IGNORED = "Ignored"


class LastCommand(ApiModel):
    """The answer to the newest command that was given by annotations."""

    token: Name
    """`pennant.dev/requested-at` of the command, or a hash of its words where there is none."""
    command: Line
    """The command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Accepted, Refused or Ignored."""
    message: Message
    """What was done, or why nothing was."""
    at: Timestamp
    """When it was answered."""
    revision: RevisionNumber | None = None
    """The revision that carries it out, where there is one."""
    withdrawn_at: Timestamp | None = None
    """When the annotations that gave it were seen to be gone. If it is given again, it is answered again."""


class AnsweredCommand(ApiModel):
    """A command that was answered: it is not carried out again."""

    token: Name
    """`pennant.dev/requested-at` of the command, or a hash of its words where there was none."""
    command: CommandText
    """The command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Accepted, Refused or Ignored."""
    at: Timestamp
    """When it was answered."""
    revision: RevisionNumber | None = None
    """The revision that carries it out, where there is one."""
