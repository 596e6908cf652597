"""What ends a verb: a sentence for standard error, and an exit code."""


class CliError(Exception):
    """A verb cannot go on; the message names the object, the cause and what to do."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        """Keep the sentence and the exit code; kubectl exits with 1 for every error of a verb."""
        super().__init__(message)
        self.exit_code = exit_code


class AlreadyTold(CliError):
    """A verb could not do all that was asked for, and each error is on standard error already."""

    def __init__(self) -> None:
        """Have no message of its own."""
        super().__init__("")
