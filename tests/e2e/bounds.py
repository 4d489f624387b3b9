"""What the code can ask of AWS: a function's port bounds, and the calls that the ports' adapters make. Read from the source."""

from __future__ import annotations

import re
from pathlib import Path

from places import ROOT

ADAPTERS = ROOT / "shared" / "src" / "aws"
PORTS = ROOT / "shared" / "src" / "ports.rs"
# Ports that a function has not by a bound but by what its `main` opens.
OPENED = {"s3::open": "Fetch"}
# What a call needs, where that is not a right of its name.
RIGHTS_OF = {"TransactWriteItems": set[str]()}  # the rights of what stands in it
IMPLIED = {r"\bDelete::builder\(\)": "DeleteItem", r"\bPut::builder\(\)": "PutItem", r"\bAssumeRoleProvider::builder\(": "sts:AssumeRole"}


def ports() -> set[str]:
    """The names of all ports."""
    return set(re.findall(r"^pub trait (\w+)", PORTS.read_text(), re.MULTILINE))


def ports_of(function: str) -> set[str]:
    """The ports that stand in a function's bounds, or that its `main` opens."""
    source = "\n".join(file.read_text() for file in sorted((ROOT / "functions" / function / "src").rglob("*.rs")))
    bounds = re.findall(r"\b[A-Z]: ([\w\s+]+?)(?=[,>])", source)
    named = {name for bound in bounds for name in re.findall(r"\w+", bound)}
    return named & ports() | {port for opened, port in OPENED.items() if opened in source}


def actions_of(port: str) -> set[str]:
    """The rights that the adapters of a port need, by the calls in their source."""
    return set().union(*(_actions_in(file, port) for file in sorted(ADAPTERS.glob("*.rs"))))


def _actions_in(file: Path, port: str) -> set[str]:
    source = file.read_text()
    own = re.search(rf"^impl {port} for \w+ {{\n(.*?)^}}", source, re.DOTALL | re.MULTILINE)
    if own is None:
        return set()
    service = re.search(r"\baws_sdk_(\w+)::", source)
    assert service, f"{file.name} has an adapter and no SDK"
    return {right if ":" in right else f"{service.group(1)}:{right}" for right in _rights_in(_with_what_it_uses(own.group(1), source))}


def _with_what_it_uses(body: str, source: str) -> str:
    """A body, with those of the methods and constructors of the same file that it uses, and those that they use."""
    methods = {name: text for name, text in re.findall(r"^    (?:pub )?(?:async )?fn (\w+)\b(.*?)^    }$", source, re.DOTALL | re.MULTILINE)}
    texts, waiting = [body], {"new", *re.findall(r"\bself\s*\.(\w+)\(", body)}
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        done.add(name)
        texts.append(methods.get(name, ""))
        waiting |= set(re.findall(r"\bself\s*\.(\w+)\(", methods.get(name, ""))) - done
    return "\n".join(texts)


def _rights_in(body: str) -> set[str]:
    calls = {"".join(word.title() for word in call.split("_")) for call in re.findall(r"\bself\s*\.client\s*\.(\w+)\(\)", body)}
    rights = set().union(*(RIGHTS_OF.get(call, {call}) for call in calls))
    return rights | {right for pattern, right in IMPLIED.items() if re.search(pattern, body)}
