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
# The prefixes of actions of services that are called without an SDK crate.
PREFIXES = {"EventBridge": "events"}
# Methods of a client that make no call.
ACCESSORS = {"Config"}


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
    source = _joined(file)
    own = re.findall(rf"^impl {port} for \w+ {{\n(.*?)^}}", source, re.DOTALL | re.MULTILINE)
    if not own:
        return set()
    signed = re.findall(r"\bself\.calls\.call\(JsonService::(\w+), \"(\w+)\"", "\n".join(own))
    if signed:
        return {f"{PREFIXES[service]}:{call}" for service, call in signed}
    service = re.search(r"\baws_sdk_(\w+)::", source)
    assert service, f"{file.name} has an adapter and no SDK"
    functions = _functions_with_a_client(source)
    rest = source
    for text in functions.values():
        rest = rest.replace(text, "")
    assert not re.search(r"(?<!self\.)\bclient\.\w", rest), f"{file.name} calls a client that is neither `self.client` nor a parameter"
    return {right if ":" in right else f"{service.group(1)}:{right}" for right in _rights_in(_with_callees("\n".join(own), source))}


def _functions_with_a_client(source: str) -> dict[str, str]:
    """The functions of a file that take a client as their first parameter, by name."""
    found = re.finditer(r"^(?:pub(?:\(\w+\))? )?(?:async )?fn (\w+)\(client: &Client\b.*?^}$", source, re.DOTALL | re.MULTILINE)
    return {function.group(1): function.group() for function in found}


def _with_callees(body: str, source: str) -> str:
    """A body with all that it calls, directly or not: methods, also of other adapters, and of its file constructors and functions with a client."""
    others = {name: text for file in sorted(ADAPTERS.glob("*.rs")) for name, text in _methods(_joined(file)).items() if name != "new"}
    methods = {**others, **_methods(source)}
    texts, waiting = [body], {"new", *re.findall(r"\bself\.(\w+)\(", body)}
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        done.add(name)
        texts.append(methods.get(name, ""))
        waiting |= set(re.findall(r"\bself\.(\w+)\(", methods.get(name, ""))) - done
    functions = _functions_with_a_client(source)
    given = {name for text in texts for name in re.findall(r"(?<![.\w])(\w+)\(&self\.client\b", text)}
    texts.extend(functions[name].replace("client.", "self.client.") for name in sorted(given))
    return "\n".join(texts)


def _methods(source: str) -> dict[str, str]:
    """The methods and constructors of a file, by name."""
    return dict(re.findall(r"^    (?:pub(?:\(\w+\))? )?(?:async )?fn (\w+)\b(.*?)^    }$", source, re.DOTALL | re.MULTILINE))


def _joined(file: Path) -> str:
    """The text of a file with each chain of calls in one line."""
    return re.sub(r"\n\s+\.", ".", file.read_text())


def _rights_in(body: str) -> set[str]:
    calls = {"".join(word.title() for word in call.split("_")) for call in re.findall(r"\bself\.client\.(\w+)\(\)", body)}
    return {SINGLE.get(call, call) for call in calls - COMPOSED - ACCESSORS} | {right for pattern, right in IMPLIED.items() if re.search(pattern, body)}
