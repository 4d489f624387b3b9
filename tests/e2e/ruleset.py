"""The policy guide's rules as one set in S3, and the organization that they speak of."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from places import ROOT
from stack import Stack

BUCKET, PREFIX = "warden-policies", "guide/"
URI = f"s3://{BUCKET}/{PREFIX}"
UNIT = "ou-ab12-11112222"


def guide(folder: Path, **replaced: str) -> Path:
    """The guide's rules as one set in a folder."""
    text = (ROOT / "docs" / "policy-guide.md").read_text()
    rules = "\n".join(re.findall(r"^```cedar\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    for old, new in replaced.items():
        rules = rules.replace(old.replace("_", "-"), new)
    folder.mkdir(exist_ok=True)
    (folder / "guide.cedar").write_text(rules)
    groups = re.search(r"^```json groups.json\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert groups
    (folder / "groups.json").write_text(groups.group(1))
    return folder


def publish(stack: Stack, folder: Path) -> None:
    """Puts a set where the stack reads it, as `warden policy publish` does."""
    s3 = stack.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
    for name, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=content)
    manifest = {"schema": 1, "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}}
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}manifest.json", Body=json.dumps(manifest).encode())


def enrol(stack: Stack, account: str, unit: str, state: str = "ACTIVE") -> None:
    """Puts an account into the organization that the stand-in plays."""
    stack.local("organization", post=True, account=account, name="team", state=state, place=f"o-a1b2c3d4e5/r-ab12/{unit}/{account}/")
