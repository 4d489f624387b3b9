"""A panic of a real function: one line in the log, by which the alarm goes off.

No event makes a function panic, so the test takes the one panic that is documented: `lambda_runtime` panics if Lambda's own environment
variables are missing. That is after the start of logging, in the function's binary, debug or packaged. A packaged one aborts.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from alarms.log_metrics import filtered
from harness.accounts import PROVIDER, REGION
from tasks.paths import TARGET, TEMPLATE

FUNCTION = "notify"  # it reads nothing from AWS before it meets the runtime
BINARIES = {"debug": TARGET / "debug" / FUNCTION, "packaged": TARGET / "lambda" / FUNCTION / "bootstrap"}
SETTINGS = {
    "AWS_REGION": REGION,
    "LEDGER_TABLE": "ledger",
    "UNTOLD_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{PROVIDER}/untold",
    "OWNER_TOPIC_ARN": f"arn:aws:sns:{REGION}:{PROVIDER}:owners",
    "OWNER_TOPIC_PREFIX": f"arn:aws:sns:{REGION}:{PROVIDER}:",
}


def lines_of(binary: Path) -> tuple[int, list[str]]:
    """The status and the log of a function that starts outside of Lambda. A panic's line is the last."""
    done = subprocess.run([binary], env=SETTINGS | {"RUST_BACKTRACE": "0"}, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, "the hook replaces the text that Rust prints"
    return done.returncode, done.stdout.splitlines()


def counted(line: str, metric: str) -> list[Any]:
    """The values that the template's filter of a function makes from a line."""
    filters = cfn_yaml.load(str(TEMPLATE))["Resources"]
    pattern = filters[f"{FUNCTION.capitalize()}{metric}"]["Properties"]["FilterPattern"]
    return list(filtered({"filterName": metric, "filterPattern": pattern, "metricTransformations": [{"metricNamespace": "n", "metricName": metric, "metricValue": "1"}]}, line))


# `make package` makes the packaged one.
@pytest.mark.parametrize("build", [build for build, binary in BINARIES.items() if build == "debug" or binary.exists()])
def test_panic_is_logged_and_counted(build: str) -> None:
    status, lines = lines_of(BINARIES[build])
    assert status == (-6 if build == "packaged" else 101), "SIGABRT, or the status of an unwound panic"
    (panic,) = [line for line in map(json.loads, lines) if line.get("error_type") == "Panic"]
    assert panic["level"] == "ERROR" and "AWS_LAMBDA_FUNCTION_NAME" in panic["message"]
    assert "lambda_runtime" in panic["location"] and panic["location"].count(":") == 2
    for metric in ("ErrorsToActOn", "ErrorsByType"):
        assert len(counted(lines[-1], metric)) == 1, metric
