"""Why an artefact was not delivered. The exit code tells the operator whether it must never be served."""

from typing import ClassVar

from pennant.core.facts import pods


class FetchError(Exception):
    """An artefact could not be fetched, and may be later: it is not there, or its server does not answer."""

    code: ClassVar = 1
    VERB: ClassVar = "cannot be fetched: "

    def sentence(self, name: str) -> str:
        """Return what became of the artefact of this name, as a sentence."""
        return f"artefact {name} {self.VERB}{self}"


class Mismatch(FetchError):
    """The bytes have another digest than the record says."""

    code: ClassVar = pods.DIGEST_MISMATCH
    VERB: ClassVar = ""


class Refused(FetchError):
    """The bytes must not be served: an unsafe archive, too many bytes, a signature that is not valid."""

    code: ClassVar = pods.ARTIFACT_REFUSED
    VERB: ClassVar = "is refused: "
