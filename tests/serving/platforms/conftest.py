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
