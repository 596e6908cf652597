"""`pennant fetch`: bring artefacts into a directory, for init containers and by hand."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pennant.api.meta import printable
from pennant.core.rollout import delivery
from pennant.fetching.budget import Budget
from pennant.fetching.errors import FetchError
from pennant.fetching.progress import say
from pennant.fetching.signatures import Signatures
from pennant.fetching.volume import Volume
from pennant.fetching.wanted import Wanted, wanted

PUBLIC_KEY = delivery.PUBLIC_KEY
LONGEST_MESSAGE = 2048
DESCRIPTION = """\
Fetch artefacts into a directory, and let in only bytes with the digest of the record.

An artefact is hashed while it arrives, and has its name in the directory only when it is whole. A fetch that was killed
continues where it stopped. What is there already is hashed again, and fetched only if it has another digest.
"""
EPILOG = """\
example: pennant fetch --to models --artifact model=s3://models/fraud/1.1.0/model.onnx@sha256:6f0d...

exit codes: 0 all artefacts are there; 1 one could not be fetched, and may be later; 2 wrong options; 65 one has another
digest than the record; 66 one was refused, such as an archive with a path that leads out of it. An artefact that could
not be fetched leaves what an earlier fetch put there, so use the directory only after 0.
"""


def main(options: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    given = parser.parse_args(options)
    try:
        signed = dict(_signature(each) for each in given.signature)
        artifacts = wanted(given.artifact, given.unpack, signed, by_digest=given.by_digest)
        key = _public_key(given.public_key)
        if signed and key is None:
            raise ValueError(f"--signature needs --public-key, or the variable {PUBLIC_KEY}")
        budget = Budget(given.size_limit)
    except ValueError as error:
        parser.error(str(error))
    lacking = [each.name for each in artifacts if each.digest is None]
    if lacking and not given.allow_missing_digest:
        parser.error(f"{', '.join(lacking)} has no digest: write URI@sha256:..., or set --allow-missing-digest")
    # The first process of a container ends at SIGTERM only if it says so.
    signal.signal(signal.SIGTERM, _stop)
    # Servers run as other users.
    os.umask(0o022)
    volume = Volume(given.to.absolute(), budget, Signatures(key))
    for each in artifacts:
        try:
            volume.deliver(each)
        except FetchError as error:
            return _failed(each, error, given.termination_log)
    return 0


def _signature(word: str) -> tuple[str, str]:
    """Return the name of an artefact and the URI of its signature."""
    name, sign, uri = word.partition("=")
    if not sign or not uri:
        raise ValueError(f"{word!r} must be NAME=URI")
    return name, uri


def _public_key(file: Path | None) -> bytes | None:
    """Return the public key with which signatures are checked; None: there is none, and none is checked."""
    if file is None:
        return os.environ[PUBLIC_KEY].encode() if PUBLIC_KEY in os.environ else None
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error


def _failed(artifact: Wanted, error: FetchError, log: Path | None) -> int:
    """Say why an artefact is not there, also where Kubernetes reads it; return the exit code."""
    message = printable(error.sentence(artifact.name))[:LONGEST_MESSAGE]
    say(f"error: {message}")
    if log is not None:
        try:
            log.write_text(message)
        except OSError as problem:
            say(f"{log} cannot be written: {problem.strerror}")
    return error.code


def _stop(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pennant fetch", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="directory that the artefacts get into")
    parser.add_argument(
        "--artifact",
        action="append",
        required=True,
        metavar="NAME=URI@DIGEST",
        help="artefact to fetch; the URI of a directory ends with /. May be given again",
    )
    parser.add_argument(
        "--unpack", action="append", default=[], metavar="NAME", help="artefact that is a tar or zip archive to unpack"
    )
    parser.add_argument(
        "--by-digest", action="store_true", help="name what is in DIR by its digest, so that others can use it too"
    )
    parser.add_argument("--allow-missing-digest", action="store_true", help="fetch artefacts without a digest as well")
    parser.add_argument("--size-limit", metavar="SIZE", help="maximum size of all artefacts, such as 20Gi")
    parser.add_argument(
        "--signature", action="append", default=[], metavar="NAME=URI", help="where the signature of an artefact is"
    )
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help=f"PEM of the key that has signed all artefacts; if not given, the variable {PUBLIC_KEY}, if it is set",
    )
    parser.add_argument(
        "--termination-log", type=Path, metavar="FILE", help="file that says why an artefact is not there"
    )
    return parser
