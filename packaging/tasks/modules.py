"""The module gate: no import cycle in a crate, and no import upwards between the rooms of the common crate.

It reads `use` declarations and qualified paths as text, test modules excepted. A facade such as `policy.rs` or `lib.rs` re-exports its
children, so a child that imports from its facade is a cycle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import RunError
from tasks.paths import ROOT

# The rooms of the common crate, from the bottom up: docs/architecture.md.
ROOMS = ("deadline", "model", "trigger", "policy", "decision", "ledger", "audit", "message", "ports", "gather", "config", "telemetry", "aws")
COMMON = ROOT / "shared" / "src"
# The manifests of the product's crates.
PRODUCT = ("shared/Cargo.toml", "functions/*/Cargo.toml", "cli/Cargo.toml", "cli/*/Cargo.toml", "local/Cargo.toml")

Module = tuple[str, ...]
Graph = dict[Module, set[Module]]

# A message may hold the word `use`, and a brace.
STRING_OR_COMMENT = re.compile(r'r(#*)".*?"\1|"(?:\\.|[^"\\])*"|//[^\n]*|\'"\'', re.DOTALL)
USE = r"\buse\s+([^;]+);"


def check_modules() -> None:
    """Raises an error that names each edge of a cycle, and each import upwards."""
    wrong = []
    for source in sorted(manifest.parent / "src" for pattern in PRODUCT for manifest in ROOT.glob(pattern)):
        graph = read_graph(source)
        place = source.relative_to(ROOT)
        wrong += [f"{place}: in a cycle: {name(a)} imports {name(b)}" for cycle in cycles(graph) for a in cycle for b in sorted(graph[a] & cycle)]
        if source == COMMON:
            wrong += [f"{place}: a room without a place in ROOMS: {name(module)}" for module in graph if module and module[0] not in ROOMS]
            wrong += [f"{place}: upwards: {name(a)} imports {name(b)}" for a, b in upwards(graph)]
    if wrong:
        raise RunError("The module gate has findings (packaging/tasks/modules.py):\n" + "\n".join(wrong))


def read_graph(source: Path) -> Graph:
    """The imports of each module of a crate."""
    modules = {_module(source, file): file for file in source.rglob("*.rs") if file.parent.name != "bin"}
    return {module: set(_imports(module, file.read_text(), set(modules))) for module, file in modules.items()}


def cycles(graph: Graph) -> list[set[Module]]:
    """The groups of modules that import each other."""
    reach: dict[Module, set[Module]] = {}
    for module in graph:
        seen: set[Module] = set()
        waiting = list(graph[module])
        while waiting:
            if (other := waiting.pop()) not in seen:
                seen.add(other)
                waiting += graph[other]
        reach[module] = seen
    groups = {frozenset(other for other in reach[module] if module in reach[other]) for module in graph if module in reach[module]}
    return [set(group) for group in groups]


def upwards(graph: Graph) -> Iterator[tuple[Module, Module]]:
    """The imports from a lower room to a higher one."""
    for module, others in graph.items():
        for other in others:
            if {*module[:1], *other[:1]} <= {*ROOMS} and module and other and ROOMS.index(other[0]) > ROOMS.index(module[0]):
                yield module, other


def name(module: Module) -> str:
    """A module as Rust writes it."""
    return "::".join(("crate", *module))


def _module(source: Path, file: Path) -> Module:
    parts = file.relative_to(source).with_suffix("").parts
    return () if parts in (("lib",), ("main",)) else parts


def _imports(module: Module, text: str, modules: set[Module]) -> Iterator[Module]:
    text = STRING_OR_COMMENT.sub('""', text).partition("#[cfg(test)]")[0]
    declared = re.findall(USE, text)
    body = re.sub(USE, "", text)
    children = {other[-1] for other in modules if other[:-1] == module and other}
    paths = [path for tree in declared for path in _paths((), tree)]
    names = {path[-1]: path for path in paths}
    for qualified in re.findall(r"(?<![\w:])\w+(?:::\w+)+", body):
        first, *rest = qualified.split("::")
        paths.append((*names.get(first, (first,)), *rest))
    for path in paths:
        target = _resolve(module, path, children)
        if not target:
            continue
        # An item that no module holds is the root's, by definition or re-export.
        found = next((target[:length] for length in range(len(target), 0, -1) if target[:length] in modules), ())
        if found != module:
            yield found


def _resolve(module: Module, path: Module, children: set[str]) -> Module:
    first, *rest = path
    if first == "crate":
        return tuple(rest)
    if first == "self":
        return (*module, *rest)
    if first == "super":
        above = next((place for place, part in enumerate(path) if part != "super"), len(path))
        return (*module[: len(module) - above], *path[above:])
    return (*module, *path) if first in children else ()


def _paths(prefix: Module, tree: str) -> Iterator[Module]:
    """The paths of a use tree: `a::{b, c::d}` has two."""
    head, brace, rest = tree.strip().partition("{")
    prefix = (*prefix, *(part.strip() for part in re.sub(r"\s+as\s+\w+", "", head).split("::") if part.strip()))
    if not brace:
        if prefix:
            yield prefix
        return
    for branch in _branches(rest[: rest.rindex("}")]):
        yield from _paths(prefix, branch)


def _branches(text: str) -> Iterator[str]:
    depth, branch = 0, ""
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield branch
            branch = ""
        else:
            branch += character
    if branch.strip():
        yield branch
