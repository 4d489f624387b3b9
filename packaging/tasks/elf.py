"""Reads from an ELF file what decides if Lambda can start it: the architecture, and the newest version of glibc that it needs.

The format: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html, and for the versions the "GNU symbol versioning" part of the
Linux Standard Base: https://refspecs.linuxbase.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import RunError
from tasks.paths import shown

ARCHITECTURES = {62: "x86_64", 183: "arm64"}  # e_machine, and its name in Lambda
GLIBC_MAX = (2, 34)  # of Amazon Linux 2023, on which provided.al2023 rests
GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)*")
LOAD, DYNAMIC = 1, 2  # p_type
STRTAB, VERNEED, VERNEEDNUM = 5, 0x6FFFFFFE, 0x6FFFFFFF  # d_tag


@dataclass(frozen=True)
class Elf:
    """A program for 64-bit Linux."""

    architecture: str
    glibc: tuple[int, int]  # (0, 0) for a static program


def architecture_of(binaries: list[Path]) -> str:
    """Returns the architecture of these programs. Raises an error if Lambda cannot start one of them."""
    found = {binary: read_elf(binary) for binary in binaries}
    for binary, elf in found.items():
        if elf.glibc > GLIBC_MAX:
            needed, given = (".".join(map(str, version)) for version in (elf.glibc, GLIBC_MAX))
            raise RunError(f"{shown(binary)} needs glibc {needed}, and Lambda's provided.al2023 has {given}: build it on Amazon Linux 2023 or another system with glibc {given} or older.")
    architectures = sorted({elf.architecture for elf in found.values()})
    if len(architectures) != 1:
        raise RunError(f"The functions were built for different architectures ({', '.join(architectures)}): build them again for one.")
    return architectures[0]


def read_elf(binary: Path) -> Elf:
    """Reads a program. Raises an error if it is none for Lambda."""
    data = binary.read_bytes()
    if data[:4] != b"\x7fELF":
        raise RunError(f"{shown(binary)} is not a Linux program (ELF): build with TARGET=x86_64-unknown-linux-gnu or TARGET=aarch64-unknown-linux-gnu.")
    try:
        (machine,) = struct.unpack_from("<H", data, 18)
        if data[4:6] != b"\x02\x01" or machine not in ARCHITECTURES:
            raise RunError(f"{shown(binary)} is for a processor that Lambda does not have (e_machine {machine}): build for x86_64 or aarch64.")
        versions = [tuple(map(int, found.groups())) for name in _needed_versions(data) if (found := GLIBC.fullmatch(name))]
    except (struct.error, ValueError, StopIteration) as error:
        raise RunError(f"{shown(binary)} is a damaged ELF file ({error}): build it again.") from error
    return Elf(ARCHITECTURES[machine], max(((major, minor) for major, minor in versions), default=(0, 0)))


def _needed_versions(data: bytes) -> list[str]:
    """The symbol versions that the program needs of its shared libraries."""
    offset, size, count = struct.unpack_from("<Q", data, 32) + struct.unpack_from("<HH", data, 54)
    segments = [_segment(data, offset + index * size) for index in range(count)]
    dynamic = next((segment for segment in segments if segment[0] == DYNAMIC), None)
    if dynamic is None:
        return []
    tags = dict(struct.unpack_from("<QQ", data, dynamic[1] + place) for place in range(0, dynamic[3] // 16 * 16, 16))

    def at(address: int) -> int:
        """The place in the file of an address in memory."""
        return next(address - start + offset for kind, offset, start, length in segments if kind == LOAD and start <= address < start + length)

    if VERNEED not in tags:
        return []
    names, library, needed = at(tags[STRTAB]), at(tags[VERNEED]), []
    for _ in range(tags[VERNEEDNUM]):
        _, versions, _, first, following = struct.unpack_from("<HHIII", data, library)
        version = library + first
        for _ in range(versions):
            _, _, _, name, after = struct.unpack_from("<IHHII", data, version)
            needed.append(data[names + name : data.index(b"\0", names + name)].decode())
            version += after
        library += following
    return needed


def _segment(data: bytes, place: int) -> tuple[int, int, int, int]:
    """A segment's kind, offset in the file, address in memory, and size in the file."""
    kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, place)
    return kind, offset, address, size
