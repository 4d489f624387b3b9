"""The alarm scenarios that wait for minutes. In a file of their own, so that they run beside the others."""

from __future__ import annotations

import pytest
from alarms.alarm_scenarios import SCENARIOS, Scenario
from alarms.conftest import Watched


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if scenario.slow], ids=lambda scenario: scenario.run.__name__)
def test_slow_scenario_sets_off_exactly_its_alarms(quiet: Watched, scenario: Scenario) -> None:
    quiet.run(scenario)
