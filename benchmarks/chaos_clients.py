"""Clients that send the lives of leads, and remember what was acknowledged.

A life is three calls: some events, a touch by which sales takes the lead up, an outcome that closes it. A call that is
not answered with 200 is sent again, the same, until it is; one in eight is sent once more although it was.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from data.clock import SECOND, iso

EVENTS = 5
_KINDS = ("pricing_view", "email_click", "asset_download")


@dataclass
class Call:
    """One request: its route, the ids of what it brings, and whether it was acknowledged."""

    route: str
    ids: tuple[str, ...]
    acknowledged: bool = False


@dataclass
class Ledger:
    """What was sent and what was answered."""

    calls: list[Call] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, route: str, *, acknowledged: bool) -> set[str]:
        """The ids that were sent to a route, or of them those that were acknowledged."""
        found = [call for call in self.calls if call.route == route and (call.acknowledged or not acknowledged)]
        return {one for call in found for one in call.ids}

    @property
    def acknowledged(self) -> int:
        """How many calls were answered with 200."""
        return sum(call.acknowledged for call in self.calls)


class Clients:
    """So many clients, each with its own leads, until ``stop``; they take turns at the addresses."""

    def __init__(self, urls: Sequence[str], count: int, *, closing: bool = True, pause_s: float = 0.0) -> None:
        self.ledger = Ledger()
        self._urls, self._closing, self._pause_s = urls, closing, pause_s
        self._stopping = threading.Event()
        self._giving_up = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(k,), daemon=True) for k in range(count)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience_s: float = 60.0) -> None:
        """Begin no new call; what was begun is sent until it is acknowledged, or given up after so many seconds."""
        self._stopping.set()
        end = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._giving_up.set()
        for thread in self._threads:
            thread.join(30)

    def _live(self, number: int) -> None:
        draw = random.Random(number)  # noqa: S311 - which client does what, not a secret
        with httpx.Client(timeout=10) as client:
            lead = 0
            while not self._stopping.is_set():
                for route, body, ids in _life(f"{number}-{lead}", closing=self._closing):
                    if self._stopping.is_set() or not self._send(client, route, body, ids, draw):
                        break
                    self._stopping.wait(self._pause_s)
                lead += 1

    def _send(self, client: httpx.Client, route: str, body: Any, ids: tuple[str, ...], draw: random.Random) -> bool:
        """Send a call until it is acknowledged; False when it was given up."""
        call = Call(route, ids)
        with self.ledger.lock:
            self.ledger.calls.append(call)
        times = 2 if draw.random() < 0.125 else 1
        while times and not self._giving_up.is_set():
            url = draw.choice(self._urls)
            try:
                answer = client.post(f"{url}/v1/{route}", json=body)
                status, told = answer.status_code, answer.json()
            except (httpx.HTTPError, ValueError):
                status, told = 0, {}
            with self.ledger.lock:
                self.ledger.statuses[status] += 1
                self.ledger.refused += [one["reason"] for one in told.get("refused", [])] if status == 200 else []
            if status == 200:
                call.acknowledged = True
                times -= 1
            else:
                self._giving_up.wait(0.05 + 0.1 * draw.random())
        return call.acknowledged


def _life(lead_id: str, *, closing: bool) -> list[tuple[str, Any, tuple[str, ...]]]:
    """The calls of a lead, in order: route, body, ids."""
    now = time.time_ns() // 1_000
    events = [
        {
            "lead_id": lead_id,
            "kind": _KINDS[k % len(_KINDS)],
            "occurred_at": iso(now - (EVENTS - k) * 3_600 * SECOND),
            "event_id": f"{lead_id}:{k}",
        }
        for k in range(EVENTS)
    ]
    calls: list[tuple[str, Any, tuple[str, ...]]] = [("events", events, tuple(str(e["event_id"]) for e in events))]
    if closing:
        touch = {"lead_id": lead_id, "kind": "call", "occurred_at": iso(now), "event_id": f"{lead_id}:touch"}
        outcome = {"lead_id": lead_id, "kind": "won", "occurred_at": iso(now), "outcome_id": f"{lead_id}:won"}
        calls += [("touches", [touch], (f"{lead_id}:touch",)), ("outcomes", [outcome], (f"{lead_id}:won",))]
    return calls
