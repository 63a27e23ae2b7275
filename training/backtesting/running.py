"""The pieces of a backtest side by side, each kept as soon as it is finished."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from data.clock import iso
from data.contract import Contract
from data.errors import NotMaturedError
from data.history import History
from training.backtesting.pieces import Judged, Piece, run_piece
from training.backtesting.store import Store
from training.sample import Progress

PHASES = 8
"""About how many things a piece tells that it is doing: only its progress depends on it."""


@dataclass(frozen=True)
class Skipped:
    """A piece that could not be learned, and why."""

    piece: Piece
    why: str


def run_pieces(
    contract: Contract, history: History, pieces: Sequence[Piece], store: Store, jobs: int, tell: Progress
) -> list[Judged | Skipped]:
    """Every piece, in order: from ``store`` where it is there, else trained on one thread and kept.

    ``jobs`` pieces at a time; 0: as many as there are cores. Each holds its own feature table in memory. Raises
    ContractError or SchemaError as a training does.
    """
    found: dict[Piece, Judged | Skipped] = {piece: kept for piece in pieces if (kept := store.load(piece))}
    if found:
        tell(f"{len(found)} of {len(pieces)} trainings are there from before", len(found) / len(pieces))
    missing = [piece for piece in pieces if piece not in found]
    steps = _Steps(len(found), len(pieces), tell)

    def run(piece: Piece) -> Judged | Skipped:
        with steps.of(piece) as told:
            try:
                judged = run_piece(contract, history, piece, told)
            except NotMaturedError as error:
                return Skipped(piece, str(error))
            store.save(judged)
            return judged

    # one limit around all: a limit of each thread's own would be lifted by whichever ends first
    with threadpool_limits(1):
        done = Parallel(n_jobs=jobs or -1, prefer="threads")(delayed(run)(piece) for piece in missing)
    found |= dict(zip(missing, done, strict=True))
    return [found[piece] for piece in pieces]


class _Steps:
    """The progress of pieces side by side as one: what was finished last, and the share of all that is done."""

    def __init__(self, done: int, total: int, tell: Progress) -> None:
        self._done, self._total, self._tell = done, total, tell
        self._running: dict[str, float] = {}
        self._label = "training as of each origin"
        self._lock = Lock()

    @contextmanager
    def of(self, piece: Piece) -> Iterator[Progress]:
        """How one piece tells how far it is."""
        seen: set[str] = set()

        def told(what: str, share: float) -> None:
            seen.add(what)
            self._move(piece.key, min((len(seen) - 1 + min(share, 1.0)) / PHASES, 0.99))

        yield told
        portion = f", 1 lead in {piece.every}" if piece.every > 1 else ""
        with self._lock:
            self._running.pop(piece.key, None)
            self._done += 1
            self._label = f"trained {self._done} of {self._total} (as of {iso(piece.origin.moment)[:10]}{portion})"
            self._tell(self._label, self._share())

    def _move(self, key: str, share: float) -> None:
        with self._lock:
            self._running[key] = share
            self._tell(self._label, self._share())

    def _share(self) -> float:
        return (self._done + sum(self._running.values())) / self._total
