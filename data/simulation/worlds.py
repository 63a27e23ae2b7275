"""The four worlds by name."""

from data.errors import ContractError
from data.simulation.drifting import DRIFTING
from data.simulation.points_driven import POINTS_DRIVEN
from data.simulation.quick import QUICK
from data.simulation.steady import STEADY
from data.simulation.world import World

WORLDS: dict[str, World] = {world.name: world for world in (STEADY, QUICK, DRIFTING, POINTS_DRIVEN)}


def find_world(name: str) -> World:
    """The world of that name. Raises ContractError when there is none."""
    if name not in WORLDS:
        raise ContractError(f"There is no world {name!r}. Expected one of {', '.join(WORLDS)}.")
    return WORLDS[name]
