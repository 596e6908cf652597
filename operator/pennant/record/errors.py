"""Why no version was registered."""


class RegisterError(Exception):
    """No version was registered; the message names the cause and what to do."""


class Duplicate(RegisterError):
    """A version with the same content exists already."""

    def __init__(self, message: str, version: str) -> None:
        """Keep the version that the new one would equal."""
        super().__init__(message)
        self.version = version


class Taken(RegisterError):
    """An object of this name exists: somebody else registered it at the same time."""


def missing_extra(library: str, what: str) -> RegisterError:
    """Return the error for a library of the extra `register` that is not installed."""
    return RegisterError(f"{what} needs {library}, which is not installed: pip install 'pennant[register]'")
