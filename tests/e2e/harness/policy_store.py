"""A policy set in S3, and the organization that it names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from harness.stack import Stack
from tasks.paths import ROOT

BUCKET, PREFIX = "warden-policies", "guide/"
URI = f"s3://{BUCKET}/{PREFIX}"
UNIT = "ou-ab12-11112222"


def guide(folder: Path, **replaced: str) -> Path:
    """Writes the policy guide's examples as one set into a folder."""
    text = (ROOT / "docs" / "policy-guide.md").read_text()
    policies = "\n".join(re.findall(r"^```cedar\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    for old, new in replaced.items():
        policies = policies.replace(old.replace("_", "-"), new)
    folder.mkdir(exist_ok=True)
    (folder / "guide.cedar").write_text(policies)
    groups = re.findall(r"^```json groups.json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (folder / "groups.json").write_text(json.dumps({name: group for each in groups for name, group in json.loads(each).items()}))
    return folder


def publish(stack: Stack, files: list[Path]) -> None:
    """Puts a set where the stack reads it, as `warden policy publish` does."""
    s3 = stack.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    contents = {file.name: file.read_bytes() for file in sorted(files)}
    for name, content in contents.items():
        s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=content)
    put_manifest(stack, {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})


def put_manifest(stack: Stack, hashes: dict[str, str]) -> None:
    """Writes the set's manifest, which names each file with its hash."""
    stack.client("s3").put_object(Bucket=BUCKET, Key=f"{PREFIX}manifest.json", Body=json.dumps({"schema": 1, "sha256": hashes}).encode())


def put_broken_manifest(stack: Stack) -> None:
    """Makes the set look half uploaded: the manifest names a file that is missing."""
    put_manifest(stack, {"missing.cedar": "0" * 64})


def enrol(stack: Stack, account: str, unit: str, state: str = "ACTIVE") -> None:
    """Adds an account to the organization that the stand-in plays."""
    stack.local("organization", post=True, account=account, name="team", state=state, place=f"o-a1b2c3d4e5/r-ab12/{unit}/{account}/")
