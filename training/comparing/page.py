"""A comparison as one HTML page: nothing in it is fetched from anywhere."""

from collections.abc import Mapping
from typing import Any

from training.comparing import words
from training.comparing.picture import draw_calibration
from training.report import render_page


def render_comparison(result: Mapping[str, Any]) -> str:
    """The page of a comparison. Text from the facts is escaped."""
    drawn = draw_calibration(result)
    plots = {} if drawn is None else {"calibration.png": drawn}
    judged = result["judged"] or {"horizons": {}}
    return render_page(
        "compare.html.j2",
        plots,
        result=result,
        compared=words,
        horizons=sorted(judged["horizons"], key=lambda name: name != result["primary"]),
    )
