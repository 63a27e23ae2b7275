"""A market that changes, as somebody knows it who knows everything about it until then and nothing of the change.

No model that learned before the change can be expected to know more: its exact filter says what is left to be reached.
"""

from dataclasses import replace

import numpy as np

from data.simulation.world import Category, Entry, Level, World

UNHEARD_OF = (0.1,) * 5
"""The rates of a signal that nobody has seen yet: the same in every state, so it tells nothing."""


def before(world: World) -> World:
    """The first regime of ``world`` for all times; a source that was not in it is like the mean of those that were."""
    first = world.regimes[0]
    signals = tuple(one if any(one.per_month) else replace(one, per_month=UNHEARD_OF) for one in first.signals)
    shares = dict(first.sources)
    return replace(
        world,
        regimes=(replace(first, signals=signals),),
        categories=tuple(_without_effects(category, shares) for category in world.categories),
        entries=tuple(_entry(one, world.entries, shares) for one in world.entries),
    )


def _without_effects(category: Category, shares: dict[str, float]) -> Category:
    if category.field != "source":
        return category
    levels = tuple(one if one.name in shares else Level(one.name, one.share) for one in category.levels)
    return replace(category, levels=levels)


def _entry(one: Entry, every: tuple[Entry, ...], shares: dict[str, float]) -> Entry:
    if one.source in shares:
        return one
    known = [other for other in every if other.source in shares]
    mean = np.average([other.states for other in known], axis=0, weights=[shares[other.source] for other in known])
    unaware, interested, evaluating, ready = mean.tolist()
    return Entry(one.source, (unaware, interested, evaluating, ready))
