"""The actions that the code can request: the ports in a function's bounds, and the calls of their adapters. Read from the source."""

from __future__ import annotations

import re
from pathlib import Path

from tasks.paths import ROOT

ADAPTERS = ROOT / "shared" / "src" / "aws"
PORTS = ROOT / "shared" / "src" / "ports.rs"
# Ports that a function has by a call in `main` instead of a bound.
OPENED = {"s3::open": "Fetch"}
# Calls that need the rights of their members, and none of their own.
COMPOSED = {"TransactWriteItems"}
MEMBERS = {"Delete": "DeleteItem", "Put": "PutItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}
IMPLIED = {**{rf"\b{member}::builder\(\)": action for member, action in MEMBERS.items()}, r"\bAssumeRoleProvider::builder\(": "sts:AssumeRole"}
# Calls that need the right of another.
SINGLE = {"SendMessageBatch": "SendMessage"}


def ports() -> set[str]:
    """The names of all ports."""
    return set(re.findall(r"^pub trait (\w+)", PORTS.read_text(), re.MULTILINE))


def ports_of(function: str) -> set[str]:
    """The ports in a function's bounds, and those that its `main` opens."""
    source = "\n".join(file.read_text() for file in sorted((ROOT / "functions" / function / "src").rglob("*.rs")))
    bounds = re.findall(r"\b[A-Z]: ([\w\s+]+?)(?=[,>{])", source)
    named = {name for bound in bounds for name in re.findall(r"\w+", bound)}
    return named & ports() | {port for opened, port in OPENED.items() if opened in source}


def actions_of(port: str) -> set[str]:
    """The actions that the adapters of a port request."""
    return set().union(*(_actions_in(file, port) for file in sorted(ADAPTERS.glob("*.rs"))))


def _actions_in(file: Path, port: str) -> set[str]:
    source = re.sub(r"\n\s+\.", ".", file.read_text())  # chains of calls in one line
    own = re.findall(rf"^impl {port} for \w+ {{\n(.*?)^}}", source, re.DOTALL | re.MULTILINE)
    if not own:
        return set()
    service = re.search(r"\baws_sdk_(\w+)::", source)
    assert service, f"{file.name} has an adapter and no SDK"
    assert not re.search(r"(?<!self\.)\bclient\.\w", source), f"{file.name} calls a client that is not `self.client`"
    return {right if ":" in right else f"{service.group(1)}:{right}" for right in _rights_in(_with_callees("\n".join(own), source))}


def _with_callees(body: str, source: str) -> str:
    """A body with the methods and constructors of the same file that it calls, directly or not."""
    methods = {name: text for name, text in re.findall(r"^    (?:pub(?:\(\w+\))? )?(?:async )?fn (\w+)\b(.*?)^    }$", source, re.DOTALL | re.MULTILINE)}
    texts, waiting = [body], {"new", *re.findall(r"\bself\.(\w+)\(", body)}
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        done.add(name)
        texts.append(methods.get(name, ""))
        waiting |= set(re.findall(r"\bself\.(\w+)\(", methods.get(name, ""))) - done
    return "\n".join(texts)


def _rights_in(body: str) -> set[str]:
    calls = {"".join(word.title() for word in call.split("_")) for call in re.findall(r"\bself\.client\.(\w+)\(\)", body)}
    return {SINGLE.get(call, call) for call in calls - COMPOSED} | {right for pattern, right in IMPLIED.items() if re.search(pattern, body)}
