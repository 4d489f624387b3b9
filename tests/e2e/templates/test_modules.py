"""The module gate names each kind of forbidden import. Needs no running stack."""

from __future__ import annotations

from pathlib import Path

from tasks.modules import cycles, read_graph, upwards

FACADE = "mod judgement;\npub use judgement::Answer;\n"


def crate(folder: Path, **files: str) -> Path:
    for path, text in files.items():
        file = folder / (path.replace("__", "/") + ".rs")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_child_that_imports_its_facade_is_a_cycle(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="mod policy;", policy=FACADE, policy__judgement="use crate::policy::{facts::Fact, Answer};")
    assert cycles(read_graph(source)) == [{("policy",), ("policy", "judgement")}]


def test_import_of_a_higher_room_is_named(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="", model="fn f() { crate::policy::judge(); }", policy="use super::model::Facts;")
    assert list(upwards(read_graph(source))) == [(("model",), ("policy",))]


def test_test_modules_may_import_anything(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="", model="pub struct A;\n#[cfg(test)]\nmod tests { use crate::policy::B; }", policy="use crate::model::A;")
    assert cycles(read_graph(source)) == [] and list(upwards(read_graph(source))) == []


def test_import_from_the_root_is_a_cycle(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="mod answer;\npub use answer::answer;\npub struct Approve;", answer="use crate::Approve;")
    assert cycles(read_graph(source)) == [{(), ("answer",)}]


def test_path_through_an_imported_module_counts(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="", policy__facts="use crate::policy;\nfn f() { policy::set::load(); }", policy__set="use super::facts::Fact;")
    assert cycles(read_graph(source)) == [{("policy", "facts"), ("policy", "set")}]


def test_text_in_quotes_is_no_import(tmp_path: Path) -> None:
    source = crate(tmp_path, lib="", model='const A: &str = "use {crate::policy::B";\nconst C: char = \'"\';', policy="use crate::model::A;")
    assert cycles(read_graph(source)) == [] and list(upwards(read_graph(source))) == []
