"""The action of a matrix exponential on a short vector, by uniformisation (Jensen 1953).

exp(A t) is a Poisson mixture of the powers of I + A / q with q the largest exit rate. For a generator all terms are
positive, so nothing cancels: the result is exact to rounding, whatever the eigenvalues are.
"""

import math

import numpy as np

from data.simulation.compiled import compiled
from data.simulation.states import Floats

PIECE = 24.0
"""Longer times are cut into pieces of so many expected jumps: beyond, exp(-x) would leave the range of good numbers."""
SMALL = 1e-16


@compiled
def evolve(vector: Floats, generator: Floats, days: float) -> None:
    """``vector`` (n) becomes ``vector @ expm(generator * days)``, in place; ``generator`` (n, n) is per day.

    Off-diagonal entries must not be negative; row sums may be negative (mass may be lost). For the backward equation
    pass the transposed generator.
    """
    rate = 0.0
    for state in range(len(vector)):
        rate = max(rate, -generator[state, state])
    jumps = rate * days
    if jumps <= 0.0:
        return
    pieces = math.ceil(jumps / PIECE)
    for _ in range(pieces):
        _evolve_piece(vector, generator, rate, jumps / pieces)


@compiled
def _evolve_piece(vector: Floats, generator: Floats, rate: float, jumps: float) -> None:
    """One piece: the Poisson mixture, cut where the rest is below the rounding of the sum."""
    term = vector.copy()
    spare = np.empty_like(vector)
    weight = math.exp(-jumps)
    vector *= weight
    count = 0
    while count < jumps or weight > SMALL:
        count += 1
        weight *= jumps / count
        for after in range(len(term)):
            change = 0.0
            for before in range(len(term)):
                change += term[before] * generator[before, after]
            spare[after] = term[after] + change / rate
        term[:] = spare
        for state in range(len(term)):
            vector[state] += weight * term[state]
