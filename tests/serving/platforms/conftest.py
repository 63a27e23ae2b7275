"""Recorded payloads, in the shapes that the platforms document."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "payloads"


@pytest.fixture(scope="session")
def payload() -> Callable[[str], Any]:
    """The body of a recorded payload: ``shape_from`` says where its shape comes from, ``body`` is what is sent."""

    def read(name: str) -> Any:
        told = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        assert set(told) == {"shape_from", "body"}
        return told["body"]

    return read


@pytest.fixture(scope="session")
def score() -> dict[str, Any]:
    """A score as the service tells it, flat, and its horizons."""
    return {
        "lead_id": "614",
        "as_of": "2026-05-12T08:00:00Z",
        "readiness": 0.2125,
        "horizons": {"30d": 0.1, "90d": 0.2125},
        "index": 86.6,
        "decision": "hand off",
        "decision_reason": "readiness 21 % is at or above the agreed 20 %",
        "state": "ready",
        "reason_1": "3 pricing views since 2 May 2026",
        "reason_2": "",
        "reason_3": "",
        "model_version": "7",
    }
