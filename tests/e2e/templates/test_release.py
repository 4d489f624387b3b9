"""`make package`: equal contents make equal zips, and the bill of materials is correct. Needs no running stack."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml
from tasks import artifacts, release
from tasks.errors import RunError
from tasks.paths import POLICIES, TEMPLATE


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """Files instead of programs."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    for function in artifacts.FUNCTIONS:
        (folder / function).write_bytes(function.encode() * 1000)
        (folder / function).chmod(0o755)
    return folder


def zips(binaries: Path, destination: Path, policies: Path | None = POLICIES) -> dict[str, bytes]:
    """The zips of these binaries."""
    artifacts.lay_out(binaries, destination, policies)
    release.write_zips(destination)
    return {function: (destination / f"{function}.zip").read_bytes() for function in artifacts.FUNCTIONS}


def test_equal_contents_make_equal_zips(binaries: Path, tmp_path: Path) -> None:
    first = zips(binaries, tmp_path / "here")
    for function in artifacts.FUNCTIONS:
        os.utime(binaries / function, (1, 1))
        (binaries / function).chmod(0o700)
    assert zips(binaries, tmp_path / "there") == first


def test_zip_has_program_and_policies(binaries: Path, tmp_path: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(zips(binaries, tmp_path)["approve"]))
    assert archive.read("bootstrap") == (binaries / "approve").read_bytes()
    assert archive.getinfo("bootstrap").external_attr >> 16 == 0o755
    assert "policies/groups.json" in archive.namelist() and any(name.endswith(".cedar") for name in archive.namelist())
    assert zipfile.ZipFile(io.BytesIO(zips(binaries, tmp_path)["notify"])).namelist() == ["bootstrap"]


def test_package_without_set_has_programs_only(binaries: Path, tmp_path: Path) -> None:
    for archive in zips(binaries, tmp_path, policies=None).values():
        assert zipfile.ZipFile(io.BytesIO(archive)).namelist() == ["bootstrap"]


def test_sample_is_not_packaged(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is the sample"):
        release.policy_set(str(POLICIES))
    with pytest.raises(RunError, match="holds no policies"):
        release.policy_set(str(tmp_path))
    (tmp_path / "mine.cedar").touch()
    assert release.policy_set(str(tmp_path)) == tmp_path
    assert release.policy_set("") is None


def test_large_zip_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "approve.zip"
    archive.write_bytes(b"\0" * release.ZIP_BYTES_MAX)
    release.require_small(archive)
    archive.write_bytes(b"\0" * (release.ZIP_BYTES_MAX + 1))
    with pytest.raises(RunError, match=r"approve.zip is 7.00 MB, more than 7"):
        release.require_small(archive)


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_deployed_template_differs_in_code_and_architecture(tmp_path: Path, architecture: str) -> None:
    written = tmp_path / ".aws-sam" / "build" / "template.yaml"
    release.write_template(tmp_path / "target" / "lambda", written, architecture)
    before, after = (cfn_yaml.load(str(path)) for path in (TEMPLATE, written))
    for name in ("Approve", "Audit", "Notify"):
        assert after["Resources"][name]["Properties"].pop("CodeUri") == f"../../target/lambda/{name.lower()}.zip"
        before["Resources"][name]["Properties"].pop("CodeUri")
    assert after["Parameters"]["Architecture"].pop("Default") == architecture
    before["Parameters"]["Architecture"].pop("Default")
    assert before == after


def test_bill_lists_only_the_functions_crates() -> None:
    parts = {
        "metadata": {"component": {"bom-ref": "ours"}},
        "components": [{"name": "kept", "version": "1", "bom-ref": "a"}, {"name": "kept", "version": "2", "bom-ref": "b"}],
        "dependencies": [{"ref": "ours", "dependsOn": ["a", "b"]}, {"ref": "b"}],
    }
    left = release.pruned(parts, {("kept", "1")})
    assert [each["bom-ref"] for each in left["components"]] == ["a"]
    assert left["dependencies"] == [{"ref": "ours", "dependsOn": ["a"]}]
