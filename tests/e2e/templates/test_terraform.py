"""The Terraform example: its variables are the template's parameters, and its functions are those of the package."""

from __future__ import annotations

import re

from tasks.artifacts import FUNCTIONS
from tasks.paths import ROOT
from templates.terraform import FOLDER, VARIABLES, variables


def test_variables_are_the_parameters() -> None:
    assert VARIABLES.read_text() == variables(), "run `PYTHONPATH=tests/e2e:packaging .venv/bin/python -m templates.terraform`"


def test_example_uploads_every_function() -> None:
    found = re.search(r"functions = toset\(\[(.*?)\]\)", (FOLDER / "main.tf").read_text())
    assert found and re.findall(r'"(\w+)"', found[1]) == sorted(FUNCTIONS)


def test_packaged_template_has_the_replaced_lines() -> None:
    """The example's pattern finds the code of each function in what `make package` writes."""
    pattern = r"CodeUri: .*/(\w+)\.zip"
    assert pattern.replace("\\", "\\\\") in (FOLDER / "main.tf").read_text()
    lines = [f"CodeUri: ../../target/lambda/{function}.zip" for function in FUNCTIONS]
    assert [re.findall(pattern, line) for line in lines] == [[function] for function in FUNCTIONS]
    assert (ROOT / "packaging" / "tasks" / "release.py").read_text().count('zips / f"{function}.zip"') == 1
