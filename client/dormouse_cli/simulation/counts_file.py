"""Files of counts: plain or packed by gzip, and standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import BinaryIO

from dormouse_cli.errors import CliError
from dormouse_cli.exit_codes import ExitCode
from dormouse_cli.simulation.counts_csv import BadCounts, ReadCounts, read_counts, write_counts
from dormouse_cli.simulation.traffic import Traffic

STANDARD_INPUT = Path("-")
_GZIP = b"\x1f\x8b"
_GZIP_SUFFIX = ".gz"


def name_of(file: Path) -> str:
    """Return what a file is called in what is printed."""
    return "standard input" if file == STANDARD_INPUT else file.name


def read_file(file: Path, zone: tzinfo | None, advanced: Callable[[int], None]) -> ReadCounts:
    """Read counts; hears of the bytes as they are read. What is packed is told by its content.

    Raises:
        CliError: it can't be read, or is no such CSV.
    """
    try:
        with _opened(file) as content:
            heard = io.BufferedReader(_Heard(content, advanced), 1 << 16)
            is_packed = heard.peek(len(_GZIP)).startswith(_GZIP)
            return read_counts(gzip.open(heard) if is_packed else heard, zone)
    except BadCounts as error:
        raise CliError(f"{name_of(file)}, {error}.", ExitCode.USAGE) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CliError(
            f"{name_of(file)}: it is packed by gzip, but damaged ({error}).", ExitCode.USAGE
        ) from error
    except OSError as error:
        raise _unusable(file, error) from error


def write_file(file: Path, traffic: Traffic) -> None:
    """Write traffic that has a clock, packed if the file's name ends with .gz.

    Raises:
        CliError: it can't be written.
    """
    content = "".join(write_counts(traffic)).encode()
    if file.suffix == _GZIP_SUFFIX:
        # The same traffic gives the same bytes.
        content = gzip.compress(content, mtime=0)
    write_bytes(file, content)


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        CliError: it can't be written.
    """
    try:
        file.write_bytes(content)
    except OSError as error:
        raise _unusable(file, error) from error


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with file.open("rb") as content:
        yield content


class _Heard(io.RawIOBase):
    """What is read through it is heard of."""

    def __init__(self, content: BinaryIO, advanced: Callable[[int], None]) -> None:
        self._content = content
        self._advanced = advanced

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        read = self._content.read(len(buffer))
        buffer[: len(read)] = read
        self._advanced(len(read))
        return len(read)


def _unusable(file: Path, error: OSError) -> CliError:
    return CliError(f"{name_of(file)}: {error.strerror or error}.", ExitCode.USAGE)
