"""The log of an offline run: records in blocks, as LevelDB frames them, each with its checksum."""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pennant.registries.protocol import RegistryError

MAGIC = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK = 32 * 1024
HEADER = struct.Struct("<IHB")
"""Checksum of the type and the bytes, number of bytes, type."""
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
LONGEST = 256 * 1024 * 1024
"""Bytes of a record that are kept in memory at most."""
AGAIN = (
    "Copy the file again from the machine of the run. If it is the same there, what it lost is lost, unless a server "
    "has the run: then import from the server, and move this file away"
)
"""What to do about a log that has lost records. `wandb sync` reads the same file, so it does not help."""


def payloads(path: Path, cut: Callable[[str], None]) -> Iterator[bytes]:
    """Yield the records of a log.

    A run that was killed leaves a record that is not complete at the end: `cut` is called with a sentence, and the
    records before it are yielded. Raises `RegistryError` where the file is damaged elsewhere, or is no such log.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise RegistryError(f"{path} is no log of a run of W&B; give the directory that has offline-run-*")
            yield from _records(file, path, cut)
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}") from error


def _records(file: BinaryIO, path: Path, cut: Callable[[str], None]) -> Iterator[bytes]:
    pending: list[bytes] = []
    for type_, body in _frames(file, path, cut):
        if (type_ in (FULL, FIRST)) is bool(pending):
            raise RegistryError(f"{path} is damaged before byte {file.tell()}: a part of a record is missing")
        pending.append(body)
        if sum(map(len, pending)) > LONGEST:
            raise RegistryError(f"{path} has a record of more than {LONGEST >> 20} MiB")
        if type_ in (FULL, LAST):
            yield b"".join(pending)
            pending = []
    if pending:
        cut(_incomplete(path))


def _frames(file: BinaryIO, path: Path, cut: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
    while True:
        position = file.tell()
        if (left := BLOCK - position % BLOCK) < HEADER.size:
            file.seek(position + left)
            continue
        header = file.read(HEADER.size)
        if not header:
            return
        checksum, length, type_ = HEADER.unpack(header) if len(header) == HEADER.size else (0, 0, FULL)
        if length > left - HEADER.size:
            raise RegistryError(_damaged(path, position))
        body = file.read(length)
        if len(header) < HEADER.size or len(body) < length:
            cut(_incomplete(path))
            return
        if not any(header) and not any(file.read(BLOCK)):
            # A file system that lost its power may leave zeros at the end.
            cut(_incomplete(path))
            return
        if type_ not in (FULL, FIRST, MIDDLE, LAST) or zlib.crc32(body, zlib.crc32(bytes([type_]))) != checksum:
            raise RegistryError(_damaged(path, position))
        yield type_, body


def _damaged(path: Path, position: int) -> str:
    return f"{path} is damaged at byte {position}: a checksum is wrong. {AGAIN}"


def _incomplete(path: Path) -> str:
    return f"{path} ends in the middle of a record: the run was killed or it was cut, and its last values are missing"
