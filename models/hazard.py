"""Discrete-time hazards: one model for every horizon, censored rows used for what is known about them.

The time after a cutoff is cut into bins, and every horizon ends a bin. The model gives, for each bin, the probability
that the outcome falls into it when it has not come before. A row takes part in a bin's training as soon as that bin
has passed, whatever its later bins will bring; so recent rows teach what they can and no row is called negative too
early. A lead that was lost stays in the denominator as "no outcome": what is modelled is the chance that the outcome
comes, not the chance among those who are still open (the subdistribution hazard of Fine and Gray, JASA 94, 1999, in
discrete time).
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def bin_edges(horizons: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The ends of the bins (microseconds, increasing): every horizon, and the widest stretches halved up to ``most``.

    With more horizons than ``most`` there are as many bins as horizons.
    """
    edges = list(horizons)
    while len(edges) < most:
        starts = [0, *edges[:-1]]
        widths = [end - start for start, end in zip(starts, edges, strict=True)]
        widest = int(np.argmax(widths))
        edges.insert(widest, starts[widest] + widths[widest] // 2)
    return tuple(edges)


def last_bins(edges: tuple[int, ...], horizons: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """For each horizon the number of the bin that it ends."""
    return np.array([edges.index(horizon) for horizon in horizons], np.int64)


def bin_labels(time_to_outcome: npt.NDArray[np.int64], edges: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """(n, bins): 1 where the outcome falls into the bin, 0 where it does not, -1 where it came in an earlier bin."""
    ends = np.array(edges, np.int64)
    starts = np.array((0, *edges[:-1]), np.int64)
    time_to = time_to_outcome[:, None]
    return np.where(time_to < starts, -1, (time_to < ends).astype(np.int8)).astype(np.int8)


def bin_watched(watched: npt.NDArray[np.int64], edges: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """(n, bins): whether the bin had passed when the watching ended."""
    return np.asarray(watched[:, None] >= np.array(edges, np.int64))
