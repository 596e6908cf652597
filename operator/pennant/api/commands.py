"""The answers to commands in the status of a ModelDeployment: `status.lastCommand` and `status.commands`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pennant.api.meta import ANY_WORD, ApiModel, Line, Message, Name, Open, RevisionNumber, Timestamp

MAX_COMMANDS = 16
LONGEST_COMMAND = 80
CommandText = Annotated[str, Field(max_length=LONGEST_COMMAND)]
"""A command as text: its verb and its value. A long value is cut and ends with a hash."""


class CommandResult(Open, StrEnum):
    """Result of a command."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    IGNORED = "Ignored"


class LastCommand(ApiModel):
    """Result of the newest command that was given by annotations."""

    token: Name
    """Value of `pennant.dev/requested-at`, or a hash of the command if that is not set."""
    command: Line
    """Command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Result of the command: Accepted, Refused or Ignored."""
    message: Message
    """What was done, or why the command was not carried out."""
    at: Timestamp
    """Time when it was answered."""
    user: Name | None = None
    """Authenticated user who gave it. Set only if the admission policies of `governance.stamp` are installed."""
    revision: RevisionNumber | None = None
    """Revision that carries out the command, if there is one."""
    withdrawn_at: Timestamp | None = None
    """Time when its annotations were found removed. If it is given again, it is answered again."""


class AnsweredCommand(ApiModel):
    """A command that was answered, and is not carried out again."""

    token: Name
    """Value of `pennant.dev/requested-at`, or a hash of the command if that was not set."""
    command: CommandText
    """Command as it was read, such as `rollback-to 3`."""
    result: Annotated[CommandResult, ANY_WORD]
    """Result of the command: Accepted, Refused or Ignored."""
    at: Timestamp
    """Time when it was answered."""
    revision: RevisionNumber | None = None
    """Revision that carries out the command, if there is one."""
