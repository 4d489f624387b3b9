"""`make try`: the Redis scenario on the deployed template, told as it happens. Status 0 if every request became what it should."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts import A, B, C, PROVIDER
from console import Progress, Timeline, note, table
from inbox import Inbox
from places import RUN, shown
from processes import stop_on_signals, until
from scenario import Service, ask, audit, await_record, await_state, creation_event, findings, mend_drift, offer, plant_drift, put_event, refusal, report, state
from stack import Stack, forget_the_users_aws
from trouble import Trouble

FAST_SECONDS = 20.0  # an answer to an event; far less on AWS, but this machine may be busy
SWEEP_SECONDS = 100.0  # the demo sweeps every minute, and ministack looks at its schedules every ten seconds


@dataclass
class Play:
    """The five requests, one after the other."""

    stack: Stack
    timeline: Timeline = field(default_factory=Timeline)
    rows: list[tuple[str, str, str, float]] = field(default_factory=list)

    def run(self) -> bool:
        """Plays it, and says whether all went as the table's second column says."""
        inbox = Inbox.subscribe(self.stack, self.stack.outputs["OwnersTopicArn"])
        service = offer(self.stack, allowed=[A, B])
        self.timeline.at("provider", f"{PROVIDER} offers `redis` as {service.id}: acceptance required, A and B may ask, mode active")
        self._accepted(service, inbox)
        pending = self._left_pending(service, inbox)
        self._turned_away(service)
        self._forged(service, pending, inbox)
        self._lost(service)
        self._audited(service, pending, inbox)
        return self._sum_up()

    def _accepted(self, service: Service, inbox: Inbox) -> None:
        start = time.monotonic()
        endpoint = ask(self.stack, A, service)
        self.timeline.at("A", f"{A}, in the policy's group `redis-consumers`, creates {endpoint}")
        became = self._wait(service, endpoint, "available", FAST_SECONDS)
        took = time.monotonic() - start
        self.timeline.at("warden", f"{endpoint} is {became}")
        self._by_policy(service, endpoint, inbox)
        self._row("A, in the policy", "available", became, took)

    def _left_pending(self, service: Service, inbox: Inbox) -> str:
        start = time.monotonic()
        endpoint = ask(self.stack, B, service)
        self.timeline.at("B", f"{B}, allowed to ask but in no policy, creates {endpoint}")
        became = self._told(inbox, endpoint, "referred", start)
        self._row("B, in no policy", "pendingAcceptance, owner told", f"{state(self.stack, service, endpoint)}, {became}", time.monotonic() - start)
        return endpoint

    def _turned_away(self, service: Service) -> None:
        start = time.monotonic()
        code = refusal(self.stack, C, service)
        self.timeline.at("C", f"{C}, not allowed, asks for {service.name}: {code}")
        self._row("C, not allowed", "InvalidServiceName", code, time.monotonic() - start)

    def _forged(self, service: Service, endpoint: str, inbox: Inbox) -> None:
        start = time.monotonic()
        put_event(self.stack, creation_event(service, endpoint, owner=A))
        self.timeline.at("forger", f"an event says that {endpoint} is A's")
        became = self._told(inbox, endpoint, "disputed", start)
        self._row("B's, forged as A's", "pendingAcceptance, owner told", f"{state(self.stack, service, endpoint)}, {became}", time.monotonic() - start)

    def _lost(self, service: Service) -> None:
        self.stack.local("drop-notifications", post=True, next="1")
        start = time.monotonic()
        endpoint = ask(self.stack, A, service)
        self.timeline.at("A", f"creates {endpoint}, and both its notification and its event are lost")
        with Progress("waiting for the sweep (every minute here, every five by default)"):
            became = self._wait(service, endpoint, "available", SWEEP_SECONDS)
        self.timeline.at("warden", f"{endpoint} is {became}, found by the sweep")
        self._row("A's, lost on the way", "available", became, time.monotonic() - start)

    def _audited(self, service: Service, by_hand: str, inbox: Inbox) -> None:
        plant_drift(self.stack, service, A, by_hand)
        self.timeline.at("provider", f"takes A's permission away, accepts {by_hand} by hand and switches acceptance off")
        planted = {f"cannot-ask {A}": "may not ask", f"unjustified {by_hand}": "no policy allows it", "open-door": "acceptance is off"}
        expected = f"{len(planted)} planted findings, told once"
        start = time.monotonic()
        first = audit(self.stack)
        found = planted.keys() & findings(self.stack, first, service)
        digest = self._digest(inbox, service, 1)
        if digest:
            self.timeline.at("audit", "this is what the owner reads:")
            self.timeline.quote(digest)
        page = self._keep_page(first)
        self._row("drift, audited", expected, f"{len(found)} planted findings, {'told once' if digest else 'not told'}", time.monotonic() - start)

        start = time.monotonic()
        again = audit(self.stack)
        silent = again["opened"] + again["worsened"] + again["resolved"] == 0
        self._row("the same world again", "nothing told", "nothing told" if silent else f"told: {again}", time.monotonic() - start)

        mend_drift(self.stack, service, A, by_hand)
        self.timeline.at("provider", "undoes all three")
        start = time.monotonic()
        last = audit(self.stack)
        resolved = last["resolved"] if not planted.keys() & findings(self.stack, last, service) else 0
        if digest := self._digest(inbox, service, 2):
            self.timeline.at("audit", "and this:")
            self.timeline.quote(digest)
        self._row("mended, audited", f"{len(planted)} resolved, told once", f"{resolved} resolved, {'told once' if digest else 'not told'}", time.monotonic() - start)
        note(f"\nThe first audit's page, for a browser: {shown(page)}")

    def _digest(self, inbox: Inbox, service: Service, count: int) -> str | None:
        """The newest audit's message, if there are exactly so many."""
        try:
            until("the audit's message", FAST_SECONDS, lambda: len(inbox.digests(service.id)) >= count or None)
        except Trouble as trouble:
            self.timeline.at("audit", str(trouble))
            return None
        mails = inbox.digests(service.id)
        return str(mails[-1].body["text"]) if len(mails) == count else None

    def _keep_page(self, summary: dict[str, Any]) -> Path:
        page = RUN / "audit.html"
        page.write_bytes(report(self.stack, summary, "report.html"))
        return page

    def _wait(self, service: Service, endpoint: str, wanted: str, seconds: float) -> str:
        try:
            return await_state(self.stack, service, endpoint, wanted, seconds)
        except Trouble:
            return state(self.stack, service, endpoint)

    def _told(self, inbox: Inbox, endpoint: str, decision: str, start: float) -> str:
        try:
            mail = inbox.await_mail(endpoint, decision, FAST_SECONDS)
        except Trouble as trouble:
            self.timeline.at("warden", str(trouble))
            return "owner not told"
        self.timeline.at("warden", f"`{decision}` is on the record, and this is what the owner reads:")
        self.timeline.quote(str(mail.body.get("text", mail.body)))
        return "owner told"

    def _by_policy(self, service: Service, endpoint: str, inbox: Inbox) -> None:
        try:
            record = await_record(self.stack, service, endpoint, "accepted", FAST_SECONDS)
            mail = inbox.await_mail(endpoint, "accepted", FAST_SECONDS)
        except Trouble as trouble:
            self.timeline.at("warden", str(trouble))
            return
        policies = ", ".join(map(str, mail.body.get("policies", []))) or "no policy"
        self.timeline.at("warden", f"`accepted` is on the record ({record['connection']['S']}), allowed by {policies}; its owner was told")

    def _row(self, request: str, expected: str, became: str, seconds: float) -> None:
        self.rows.append((request, expected, became, seconds))

    def _sum_up(self) -> bool:
        note("")
        table(("request", "expected", "became", "seconds"), [(r, e, b if b == e else f"{b}  ✗", f"{s:.1f}") for r, e, b, s in self.rows])
        good = all(expected == became for _, expected, became, _ in self.rows)
        note("\nEvery request became what it should." if good else "\nNot every request became what it should: the servers' own words are in .run/.")
        return good


def main() -> int:
    """Starts, plays, takes down."""
    stop_on_signals()
    forget_the_users_aws()
    with Stack("try") as stack:
        with Progress("deploying infra/template.yaml into ministack, with the real binaries"):
            stack.deploy()
        return 0 if Play(stack).run() else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        sys.exit("\nStopped; nothing is left running.")
