"""What can go wrong with a rig, in words that say what to do.

RigError
├── BuildError      a program could not be built or found
├── DownloadError   a program could not be had, or is not what its publisher says
├── StartError      a part ended or was not ready in time; the message has the end of its log
└── KubectlError    kubectl refused; the message has what it said
"""


class RigError(Exception):
    """The rig cannot do what was asked."""


class BuildError(RigError):
    """A program could not be built or found; the message says what to set."""


class DownloadError(RigError):
    """A program could not be had, or is not what its publisher says; nothing was installed."""


class StartError(RigError):
    """A process ended, or did not become ready in time; the message has the end of its log."""


class KubectlError(RigError):
    """kubectl ended with an error; the message has what it said."""
