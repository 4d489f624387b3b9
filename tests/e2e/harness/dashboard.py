"""The deployed dashboard as an SVG: its own widgets, drawn with the metrics of a day.

CloudWatch draws a dashboard only in its console. This is a drawing of the same definition, and its head says so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from alarms.alarm import STATISTICS, Metric
from harness.day import STEPS, Day

COLUMN, ROW, GAP, HEAD, TITLE, LEGEND, LINE = 40, 32, 8, 58, 24, 17, 15
NOTE = "The dashboard of infra/template.yaml, drawn by this project’s tests from a day on the stand-in: real functions, simulated clock. Not a picture of the console."
COLORS = ("#3b82d6", "#d9760a", "#2f9e64", "#d14545", "#8b64d0", "#a07a2c", "#c9569b", "#7b8794")
STYLE = (
    ".m{font-family:ui-monospace,Menlo,monospace}text{font:11px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#57606a}.h{font-size:12px;font-weight:600;fill:#1b2026}"
    ".n{font-size:30px;font-weight:600}.b{fill:#f5f7f9}.w{fill:#fff;stroke:#d5dbe1}.g{stroke:#d5dbe1;stroke-width:.5}.l{fill:none;stroke-width:1.6}"
    "@media(prefers-color-scheme:dark){text{fill:#9aa5b1}.h{fill:#e7eaee}.b{fill:#12161c}.w{fill:#1a2028;stroke:#333c47}.g{stroke:#333c47}}"
)
STATS: dict[str, Callable[[Sequence[float]], float]] = STATISTICS | {"p90": lambda values: sorted(values)[math.ceil(0.9 * len(values)) - 1]}
Series = tuple[str, str, bool, list[tuple[int, float]]]  # label, color, on the right axis, points of second and value


def drawn(day: Day) -> str:
    """The whole dashboard."""
    widgets = day.dashboard()
    width, height = 24 * COLUMN + GAP, max(each["y"] + each["height"] for each in widgets) * ROW + HEAD + GAP
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    back = f'<rect class="b" width="{width}" height="{height}" rx="8"/>'
    return "\n".join([frame, f"<style>{STYLE}</style>", back, text(GAP, 22, "privatelink-warden", "h"), text(GAP, 42, NOTE), *(line for widget in widgets for line in boxed(widget, day)), "</svg>\n"])


def boxed(widget: dict[str, Any], day: Day) -> Iterator[str]:
    """A widget with its frame and title."""
    width, height, properties = widget["width"] * COLUMN - GAP, widget["height"] * ROW - GAP, widget["properties"]
    yield f'<g transform="translate({widget["x"] * COLUMN + GAP},{widget["y"] * ROW + HEAD})"><rect class="w" width="{width}" height="{height}" rx="6"/>'
    yield text(10, 18, fitting(properties["title"], (width - 16) / 7.2), "h")
    if widget["type"] == "alarm":
        yield from alarms(properties["alarms"], day, width)
    elif widget["type"] == "log":
        yield from errors(day, width, height)
    elif properties.get("view") == "singleValue":
        yield from numbers(series(properties, day), width)
    else:
        yield from chart(series(properties, day), width, height, bool(properties.get("stacked")))
    yield "</g>"


def series(properties: dict[str, Any], day: Day) -> list[Series]:
    """The metrics of a widget."""
    found = []
    for color, (namespace, name, *dimensions, options) in zip(COLORS * 2, properties["metrics"], strict=False):
        metric: Metric = (namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))
        stat = STATS[options.get("stat", properties["stat"])]
        points = [(at * properties["period"], stat(values)) for at, values in enumerate(day.series(metric, properties["period"])) if values]
        found.append((options["label"], options.get("color", color), options.get("yAxis") == "right", points))
    return found


def chart(found: list[Series], width: int, height: int, stacked: bool) -> Iterator[str]:
    """Lines or stacked columns over the day, and a legend of the metrics with datapoints."""
    shown = [each for each in found if each[3]]
    rows = legend(shown, len(found) - len(shown), width)
    left, right, top, bottom = 34, width - 30, TITLE + 10, height - 24 - LEGEND * len(rows)
    for hour in range(0, 25, 6):
        x = left + (right - left) * hour / 24
        yield f'<path class="g" d="M{x:.1f} {top}V{bottom}"/>' + text(x, bottom + 13, f"{hour:02}:00", anchor="middle")
    for on_right in sorted({False, *(each[2] for each in shown)}):
        of_axis = [each for each in shown if each[2] == on_right]
        sums: Counter[int] = Counter()
        for _, _, _, points in of_axis if stacked else ():
            sums.update(dict(points))  # type: ignore[arg-type]
        limit = rounded(max([*sums.values(), *(value for each in of_axis for _, value in each[3])], default=1))
        for share in (0, 0.5, 1):
            y, value = bottom - (bottom - top) * share, f"{limit * share / 1000:g}k" if limit * share >= 1000 else f"{limit * share:g}"
            yield text(right + 5, y + 4, value) if on_right else f'<path class="g" d="M{left} {y:.1f}H{right}"/>' + text(left - 5, y + 4, value, anchor="end")
        base: Counter[int] = Counter()
        for _, color, _, points in of_axis:
            placed = [(left + (right - left) * at / 86400, (bottom - top) * value / limit, at) for at, value in points]
            if stacked:
                for x, size, at in placed:
                    base[at] += size  # type: ignore[assignment]
                    yield f'<rect x="{x + 1:.1f}" y="{bottom - base[at]:.1f}" width="{(right - left) / 24 - 2:.1f}" height="{size:.1f}" fill="{color}"/>'
                continue
            yield f'<path class="l" d="M{"L".join(f"{x:.1f} {bottom - size:.1f}" for x, size, _ in placed)}" stroke="{color}"/>'
            if len(placed) <= STEPS:  # a single datapoint has no line
                yield "".join(f'<circle cx="{x:.1f}" cy="{bottom - size:.1f}" r="2" fill="{color}"/>' for x, size, _ in placed)
    for number, row in enumerate(rows):
        y = height - LEGEND * (len(rows) - number) + 6
        for x, color, label in row:
            yield f'<rect x="{x}" y="{y - 8}" width="9" height="9" rx="2" fill="{color}"/>' + text(x + (14 if color != "none" else 0), y, label)


def legend(shown: list[Series], empty: int, width: int) -> list[list[tuple[float, str, str]]]:
    """The rows of a legend: place, color and label."""
    rows: list[list[tuple[float, str, str]]] = [[]]
    rest = [(f"{empty} more without datapoints" if shown else "no datapoints", "none", False, [])] if empty else []
    x = 10.0
    for label, color, _, _ in [*shown, *rest]:
        size = len(label) * 6.1 + 26
        if x + size > width and rows[-1]:
            rows, x = [*rows, []], 10.0
        rows[-1].append((x, color, label))
        x += size
    return rows


def numbers(found: list[Series], width: int) -> Iterator[str]:
    """The last value of each metric."""
    for number, (label, color, _, points) in enumerate(found):
        x = width * (2 * number + 1) / (2 * len(found))
        yield f'<text class="n" x="{x:g}" y="100" text-anchor="middle" style="fill:{color}">{points[-1][1] if points else 0:g}</text>' + text(x, 124, label, anchor="middle")


def alarms(arns: list[str], day: Day, width: int) -> Iterator[str]:
    """The alarms at the end of the day."""
    on, size = day.alarming(), (width - 20) // 5
    for number, arn in enumerate(arns):
        name = next(each for each, physical in day.alarm_ids.items() if arn.endswith(f":{physical}"))
        x, y, color = 10 + number % 5 * size, TITLE + 8 + number // 5 * 27, COLORS[3] if name in on else COLORS[2]
        yield f'<rect x="{x}" y="{y}" width="{size - 6}" height="22" rx="4" fill="{color}" fill-opacity=".16" stroke="{color}"/>'
        yield text(x + 8, y + 15, f"{'ALARM' if name in on else 'OK'} {name}")


def errors(day: Day, width: int, height: int) -> Iterator[str]:
    """The last logged errors, the newest first."""
    for number, (at, line) in enumerate(day.errors[: -(height - TITLE) // LINE : -1]):
        words = f"{at // 3600:02}:{at // 60 % 60:02} {line['error_type']} {line['message']}"
        yield text(10, TITLE + 14 + number * LINE, fitting(words, (width - 20) / 6.7), "m")


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def fitting(words: str, letters: float) -> str:
    """The words, cut to so many letters."""
    return words if len(words) <= letters else words[: int(letters) - 1] + "…"


def rounded(value: float) -> float:
    """The next number that is 1, 2, 5 or 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value or 1))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
