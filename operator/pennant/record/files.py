"""Manifests in a directory: the versions that are there, and a new file for the next one."""

import time
from pathlib import Path

from pennant.record.errors import RegisterError, Taken
from pennant.record.known import objects_in, of_objects
from pennant.record.numbering import Known
from pennant.record.registration import Draft, Registration, Request, finished

MAX_TRIES = 5
PAUSE_SECONDS = 0.1
"""Time for somebody else to finish a file."""


def known(places: tuple[Path, ...], request: Request) -> Known:
    """Return the versions of the model in manifest files and directories."""
    return of_objects(objects_in(places), request.model, request.namespace)


def register(directory: Path, places: tuple[Path, ...], draft: Draft) -> tuple[Registration, Path]:
    """Write the manifest to `<model>-<version>.yaml` in a directory, which is made if it does not exist.

    The versions are those of the directory and of other places. A file is never replaced: where somebody else writes
    one of this name at the same time, the next number is computed from what is there then.
    """
    for attempt in range(MAX_TRIES):
        made, path = planned(directory, places, draft)
        try:
            _create(path, made.yaml)
        except FileExistsError:
            if draft.request.wish.version is not None or attempt == MAX_TRIES - 1:
                raise Taken(f"{path} exists already; remove it, or choose another --version") from None
            time.sleep(PAUSE_SECONDS)
        except OSError as error:
            raise RegisterError(f"{path} cannot be written: {error.strerror}") from error
        else:
            return made, path
    raise AssertionError("the last attempt returns or raises")


def planned(directory: Path, places: tuple[Path, ...], draft: Draft) -> tuple[Registration, Path]:
    """Return what would be written, and where."""
    there = (directory, *places) if directory.exists() else places
    made = finished(draft, known(there, draft.request))
    return made, directory / f"{made.name}.yaml"


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
