"""[watch]: what ``readiness watch`` cannot know by itself."""

from pydantic import Field

from data.clock import DAY
from data.terms import Section, Share, Span


class Watch(Section):
    """How ``readiness watch`` looks at what was served, and how soon it raises an alarm."""

    false_alarms_per_year: float = Field(default=1.0, gt=0, le=100)
    """So many false alarms are put up with in a year of nightly looks: fewer means that true ones come later."""
    look_back: Span = 182 * DAY
    """So far back from the moment at which they could first be judged served scores are looked at."""
    least_distance: float = Field(default=0.1, ge=0)
    """A feature that has moved by less than this (population stability index) is no alarm, however sure it is."""
    most_never_contacted: Share | None = None
    """An alarm when surely more than this share of the leads that were handed off was never contacted. Default: none;
    only a share that grows is one."""
