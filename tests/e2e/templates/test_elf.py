"""`make package` refuses what Lambda could not start. Needs no running stack: the programs are written byte by byte."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from tasks import release
from tasks.artifacts import FUNCTIONS
from tasks.elf import Elf, architecture_of, read_elf
from tasks.errors import RunError

X86_64, ARM64, RISC_V = 62, 183, 243
BASE = 0x400000


def program(machine: int = X86_64, versions: tuple[str, ...] = ("GLIBC_2.2.5", "GLIBC_2.34")) -> bytes:
    """An ELF file with one loaded segment and, if it needs versions, a dynamic one."""
    names = b"\0libc.so.6\0" + b"".join(version.encode() + b"\0" for version in versions)
    places = [names.index(version.encode() + b"\0") for version in versions]
    strings = 64 + 2 * 56
    needed = strings + len(names)
    verneed = struct.pack("<HHIII", 1, len(versions), 1, 16, 0)
    verneed += b"".join(struct.pack("<IHHII", 0, 0, 2, place, 16 if place != places[-1] else 0) for place in places)
    dynamic = needed + len(verneed)
    tags = struct.pack("<6Q", 5, BASE + strings, 0x6FFFFFFE, BASE + needed, 0x6FFFFFFF, 1)
    size = dynamic + len(tags)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2 if versions else 1, 0, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 4096) + struct.pack("<IIQQQQQQ", 2, 6, dynamic, BASE + dynamic, 0, len(tags), len(tags), 8)
    return header + segments + names + verneed + tags


def written(folder: Path, *contents: bytes) -> list[Path]:
    """Files with these contents."""
    files = [folder / f"program-{index}" for index in range(len(contents))]
    for file, content in zip(files, contents):
        file.write_bytes(content)
    return files


def test_architecture_and_glibc_are_read(tmp_path: Path) -> None:
    files = written(tmp_path, program(), program(ARM64, ("GLIBC_2.17", "GLIBC_2.9", "GCC_3.0")), program(versions=("GLIBC_2.3.4",)), program(versions=()))
    assert [read_elf(file) for file in files] == [Elf("x86_64", (2, 34)), Elf("arm64", (2, 17)), Elf("x86_64", (2, 3)), Elf("x86_64", (0, 0))]


def test_real_program_is_read() -> None:
    found = read_elf(Path(sys.executable).resolve())
    assert found.architecture in ("x86_64", "arm64") and found.glibc > (2, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"#!/bin/sh\n", "not a Linux program"),
        (b"\xcf\xfa\xed\xfe" + bytes(60), "not a Linux program"),
        (b"", "not a Linux program"),
        (program(RISC_V), "a processor that Lambda does not have"),
        (program(versions=("GLIBC_2.34", "GLIBC_2.38")), "needs glibc 2.38, and Lambda's provided.al2023 has 2.34"),
        (program(versions=("GLIBC_2.35",)), "needs glibc 2.35"),
        (program()[:100], "damaged"),
        (program()[:200], "damaged"),
    ],
)
def test_unsuitable_program_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(RunError, match=message):
        architecture_of(written(tmp_path, content))


def test_mixed_architectures_are_refused(tmp_path: Path) -> None:
    assert architecture_of(written(tmp_path, program(ARM64), program(ARM64))) == "arm64"
    with pytest.raises(RunError, match=r"different architectures \(arm64, x86_64\)"):
        architecture_of(written(tmp_path, program(), program(ARM64)))


def test_package_refuses_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = tmp_path / "deploy"
    binaries.mkdir()
    for function in FUNCTIONS:
        (binaries / function).write_bytes(program(versions=("GLIBC_2.39",)))
    monkeypatch.setattr(release, "DESTINATION", tmp_path / "lambda")
    monkeypatch.setattr(release, "DEPLOYED", tmp_path / "template.yaml")
    with pytest.raises(RunError, match=r"needs glibc 2\.39"):
        release.package(binaries, None)
    assert not (tmp_path / "template.yaml").exists()


def test_sam_folder_names_the_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binaries = tmp_path / "deploy"
    binaries.mkdir()
    (binaries / "notify").write_bytes(program(ARM64))
    release.sam_folder("notify", binaries, tmp_path / "notify", None)
    assert "notify is for arm64" in capsys.readouterr().out
