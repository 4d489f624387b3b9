"""The diagram of README and docs/architecture.md as an SVG: how a request and an audit pass through the deployed resources.

A test holds boxes and arrows against the templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

COLUMN, ROW, WIDTH, HEIGHT, LEFT, TOP = 133, 86, 102, 48, 16, 50
STYLE = (
    "text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1b2026;text-anchor:middle}.s{fill:#57606a;font-size:11px}.b{fill:#f5f7f9}"
    ".f{fill:none;stroke:#9aa5b1;stroke-dasharray:2 3}.n{fill:#fff;stroke:#9aa5b1}.c{fill:#e3effc;stroke:#3b82d6}path{fill:none;stroke:#57606a;stroke-width:1.3}#a path{fill:#57606a;stroke:none}.o{stroke-dasharray:5 4}"
    "@media(prefers-color-scheme:dark){text{fill:#e7eaee}.s{fill:#9aa5b1}.b{fill:#12161c}.f{stroke:#57606a}.n{fill:#1a2028;stroke:#57606a}.c{fill:#16304d;stroke:#3b82d6}path{stroke:#9aa5b1}#a path{fill:#9aa5b1}}"
)


@dataclass(frozen=True)
class Box:
    """A box at a place of the grid. `resource` is its logical id in the template that deploys it."""

    column: float
    row: float
    name: str
    detail: str
    resource: str = ""
    template: str = "template.yaml"

    @property
    def x(self) -> float:
        """The left edge."""
        return LEFT + self.column * COLUMN

    @property
    def y(self) -> float:
        """The upper edge."""
        return TOP + self.row * ROW


BOXES = {
    "endpoint": Box(0, 0, "consumer", "creates endpoint"),
    "rule": Box(0, 1, "EventBridge", "rule (optional)", "Forward", "forwarder.yaml"),
    "topic": Box(1, 0, "SNS topic", "notifications", "ConnectionsTopic"),
    "bus": Box(1, 1, "EventBridge", "bus", "ForwardedEvents"),
    "sweep": Box(1, 2, "sweep", "every 5 minutes", "Sweep"),
    "dead": Box(2, 0, "SQS queue", "dead letters", "DeadLetters"),
    "queue": Box(2, 1, "SQS queue", "requests", "Requests"),
    "policy": Box(2, 2, "policy set", "Cedar, S3 or zip"),
    "approve": Box(3, 1, "approve", "judges and acts", "Approve"),
    "ec2": Box(3, 2, "EC2", "connections"),
    "audit": Box(3, 3, "audit", "every day", "Audit"),
    "ledger": Box(4, 1, "ledger", "DynamoDB", "Ledger"),
    "reports": Box(5, 3, "S3 bucket", "reports", "Reports"),
    "notify": Box(5, 1, "notify", "tells the owner", "Notify"),
    "owners": Box(5, 0, "SNS topic", "owners", "OwnersTopic"),
    "owner": Box(6, 0, "owner", "mail, chat, queue"),
}
FUNCTIONS = ("approve", "notify", "audit")
# From, to, and what is special: `optional`, `both` ways, a `branch` upwards, or `below`, the way around.
ARROWS = [
    ("endpoint", "topic", ""),
    ("endpoint", "rule", "optional"),
    ("rule", "bus", "optional"),
    ("topic", "queue", ""),
    ("bus", "queue", ""),
    ("sweep", "queue", ""),
    ("queue", "dead", ""),
    ("queue", "approve", ""),
    ("policy", "approve", ""),
    ("policy", "audit", ""),
    ("approve", "ec2", "both"),
    ("ec2", "audit", ""),
    ("approve", "ledger", "both"),
    ("audit", "reports", ""),
    ("audit", "ledger", "branch"),
    ("ledger", "notify", ""),
    ("notify", "owners", ""),
    ("owners", "owner", ""),
    ("owner", "ledger", "below"),
]
NOTES = [(3.40, 1.83, "accepts, rejects"), (3.40, 2.83, "describes"), (4.14, 2.45, "findings"), (4.72, 1.84, "approve, reject, revoke, pause")]
FRAMES = [(-0.06, -0.35, 0.85, 1.68, "consumer’s account"), (0.94, -0.35, 5.85, 3.68, "your account: the warden’s stack")]


def drawn() -> str:
    """The diagram as an SVG, which follows the reader's color scheme."""
    width, height = LEFT * 2 + 6 * COLUMN + WIDTH, TOP + 4 * ROW - 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    tip = '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
    lines = [head, f"<style>{STYLE}</style>", tip, f'<rect class="b" width="{width}" height="{height}" rx="8"/>']
    for left, top, right, bottom, title in FRAMES:
        x, y = LEFT + left * COLUMN, TOP + top * ROW
        lines += [f'<rect class="f" x="{x:.0f}" y="{y:.0f}" width="{(right - left) * COLUMN:.0f}" height="{(bottom - top) * ROW:.0f}" rx="8"/>']
        lines += [f'<text class="s" x="{x + 8:.0f}" y="{y + 15:.0f}" style="text-anchor:start">{title}</text>']
    lines += [arrow(BOXES[start], BOXES[end], kind) for start, end, kind in ARROWS]
    for name, box in BOXES.items():
        middle = box.x + WIDTH / 2
        lines += [f'<rect class="{"c" if name in FUNCTIONS else "n"}" x="{box.x:.0f}" y="{box.y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>']
        lines += [f'<text x="{middle:.0f}" y="{box.y + 21:.0f}" font-weight="600">{box.name}</text><text class="s" x="{middle:.0f}" y="{box.y + 37:.0f}">{box.detail}</text>']
    lines += [f'<text class="s" x="{LEFT + column * COLUMN + 14:.0f}" y="{TOP + row * ROW:.0f}" style="text-anchor:start">{escape(words)}</text>' for column, row, words in NOTES]
    return "\n".join([*lines, "</svg>\n"])


def arrow(start: Box, end: Box, kind: str) -> str:
    """An arrow between the edges of two boxes, with a bend if they are in different rows and columns."""
    if kind == "below":
        x, y, under = start.x + WIDTH / 2, start.y + HEIGHT, TOP + 1.9 * ROW
        path = f"M{x:.0f} {y:.0f}V{under:.0f}H{end.x + WIDTH * 3 / 4:.0f}V{end.y + HEIGHT:.0f}"
    elif kind == "branch":
        path = f"M{end.x + WIDTH / 4:.0f} {start.y + HEIGHT / 2:.0f}V{end.y + HEIGHT:.0f}"
    elif start.column == end.column:
        down = end.row > start.row
        path = f"M{start.x + WIDTH / 2:.0f} {start.y + HEIGHT * down:.0f}V{end.y + HEIGHT * (not down):.0f}"
    elif start.row == end.row:
        path = f"M{start.x + WIDTH:.0f} {start.y + HEIGHT / 2:.0f}H{end.x:.0f}"
    else:
        bend, shift = end.x - (COLUMN - WIDTH) / 2, 10 if end.row > start.row else -10
        path = f"M{start.x + WIDTH:.0f} {start.y + HEIGHT / 2:.0f}H{bend:.0f}V{end.y + HEIGHT / 2 - shift:.0f}H{end.x:.0f}"
    dashes = ' class="o"' if kind in ("optional", "below") else ""
    back = ' marker-start="url(#a)"' if kind == "both" else ""
    return f'<path d="{path}"{dashes} marker-end="url(#a)"{back}/>'
