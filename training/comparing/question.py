"""What two versions both answer, and from which moment on neither has learned."""

from dataclasses import dataclass

from data.clock import format_duration
from data.errors import ContractError
from data.sections import Ready
from training.comparing.side import Side

SAME = ("product", "outcome", "terminal", "repeatable", "reporting_lag")


@dataclass(frozen=True)
class Question:
    """The definition of ready with the horizons that both answer for.

    ``since`` (microseconds): rows from there on were learned by neither. ``differs``: horizons that only one has.
    """

    ready: Ready
    since: int
    differs: tuple[str, ...]

    @property
    def horizons(self) -> tuple[str, ...]:
        """The common horizons as text."""
        return tuple(format_duration(horizon) for horizon in self.ready.horizons)

    @property
    def primary(self) -> str:
        """The common primary horizon as text."""
        return format_duration(self.ready.primary)

    def places(self, side: Side) -> list[int]:
        """Where the common horizons stand among those of ``side``."""
        return [side.bundle.model.horizons.index(horizon) for horizon in self.ready.horizons]

    @property
    def at(self) -> int:
        """The place of the primary among the common horizons."""
        return self.ready.horizons.index(self.ready.primary)


def other_answers(a: Side, b: Side) -> tuple[str, ...]:
    """What of the definition of ready differs between both, such as ``outcome``; empty: they ask the same."""
    mine, theirs = a.bundle.contract.ready, b.bundle.contract.ready
    found = [name for name in SAME if getattr(mine, name) != getattr(theirs, name)]
    return (*found, *(("horizons",) if not set(mine.horizons) & set(theirs.horizons) else ()))


def common_question(a: Side, b: Side) -> Question:
    """The question that both answer. Raises ContractError when they ask for different things.

    The primary horizon is that of ``b`` where ``a`` answers for it too, else that of ``a``, else the longest common.
    """
    different = other_answers(a, b)
    if different:
        first = different[0]
        values = [getattr(side.bundle.contract.ready, first) for side in (a, b)]
        raise ContractError(
            f"{a.name} and {b.name} answer different questions: [ready] {', '.join(different)} differ (first: {first}, "
            f"{values[0]!r} and {values[1]!r}). Expected one definition of ready. Compare versions that were trained "
            "by the same one."
        )
    mine, theirs = a.bundle.contract.ready, b.bundle.contract.ready
    horizons = tuple(horizon for horizon in mine.horizons if horizon in theirs.horizons)
    primary = next((one for one in (theirs.primary, mine.primary) if one in horizons), horizons[-1])
    differs = sorted(set(mine.horizons) ^ set(theirs.horizons))
    ready = theirs.model_copy(update={"horizons": horizons, "primary": primary})
    return Question(ready, max(a.learned_until, b.learned_until), tuple(format_duration(one) for one in differs))
