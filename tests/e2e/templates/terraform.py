"""The variables of the Terraform example, from the template's parameters.

`PYTHONPATH=tests/e2e:packaging .venv/bin/python -m templates.terraform` writes them.
"""

from __future__ import annotations

import re
from typing import Any

from cfnlint.decode import cfn_yaml
from tasks.paths import ROOT, TEMPLATE

FOLDER = ROOT / "infra" / "examples" / "terraform"
VARIABLES = FOLDER / "variables.tf"
OWN = {
    "name": ("The name of the stack", '"privatelink-warden"'),
    "repository": ("The folder of privatelink-warden in which `make package` ran", None),
    "artifacts_bucket": ("A bucket of this Region for the zips and the template", None),
}
HEAD = "# Written from infra/template.yaml, and held against it by a test. Null keeps the template's default."


def variables() -> str:
    """The text of variables.tf."""
    parameters: dict[str, dict[str, Any]] = cfn_yaml.load(str(TEMPLATE))["Parameters"]
    own = [_variable(name, text, "string", default) for name, (text, default) in OWN.items()]
    of_template = [_variable(snake_case(name), each["Description"], "number" if each["Type"] == "Number" else "string", "null" if "Default" in each else None) for name, each in parameters.items()]
    width = max(map(len, parameters))
    given = [f"    {name:<{width}} = var.{snake_case(name)}" for name in parameters]
    return "\n\n".join([HEAD, *own, *of_template, "\n".join(["locals {", "  given = {", *given, "  }", "}"])]) + "\n"


def snake_case(name: str) -> str:
    """`OwnerEmail` as `owner_email`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _variable(name: str, description: str, kind: str, default: str | None) -> str:
    quoted = description.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    lines = [f'  description = "{quoted}"', f"  type        = {kind}", *([f"  default     = {default}"] if default else [])]
    return "\n".join([f'variable "{name}" {{', *lines, "}"])


if __name__ == "__main__":
    VARIABLES.write_text(variables())
