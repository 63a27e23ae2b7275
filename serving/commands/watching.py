"""What ``readiness watch`` looks at: the store with what it served, or files of scores with the contract's facts."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from serving.commands import stores

if TYPE_CHECKING:
    import pyarrow as pa

    from data.contract import Contract
    from models.bundle import Bundle
    from serving.commands.terminal import Report
    from serving.store.store import Store
    from training.comparing.side import Side
    from training.watching.watch import Watched

NOTES = "watched.json"
"""Where the last look is kept when there is no store, in the state folder."""


@dataclass(frozen=True)
class Look:
    """What is asked: the contract, the store's URL or files of scores, the version, the moment, how many replays."""

    contract: "Contract"
    url: str
    files: tuple[Path, ...]
    version: str | None
    bundle: Path | None
    as_of: int | None
    replay: int

    @classmethod
    def of(
        cls,
        contract: Path,
        source: Path | None,
        store: str | None,
        files: Sequence[Path] | None,
        version: str | None,
        bundle: Path | None,
        as_of: str | None,
        replay: int,
    ) -> "Look":
        """The options of the command line. Raises ContractError."""
        from data.contract import load_contract
        from data.errors import ContractError
        from serving.commands.features import moment_of

        if store is not None and files:
            raise ContractError("--store and --scores both say what was served. Give one of them.")
        if version is not None and bundle is not None:
            raise ContractError("--version and --bundle both say what to compare with. Give one of them.")
        if source is not None and not files:
            raise ContractError("--source is where facts are without a store. Give --scores too, or leave it out.")
        agreed = load_contract(contract, source)
        moment = None if as_of is None else moment_of(as_of)
        url = stores.store_of(agreed, store)
        return cls(agreed, url, tuple(files or ()), version, bundle, moment, replay)

    def look(self, progress: "Report", *, keep: bool) -> "Watched":
        """Look once. Raises ReadinessError."""
        return self._at_files(progress, keep=keep) if self.files else self._at_store(progress, keep=keep)

    def _at_store(self, progress: "Report", *, keep: bool) -> "Watched":
        from data.clock import wall_clock
        from serving.deciding.hand_offs import hand_offs
        from serving.watching import keeping
        from serving.watching.reading import facts_of, in_the_shadow, reach_of, served
        from serving.watching.replaying import replayed
        from training.watching.watch import Asked, watch

        now = wall_clock()
        moment = _past(self.as_of, now)
        progress("reading the store", 0.0)
        history = facts_of(self.contract, self.url, moment)
        side = self._side()
        store = self._open()
        try:
            since = moment - reach_of(self.contract)
            told = store.read(lambda connection: served(connection, since, moment))
            shadow = store.read(lambda connection: in_the_shadow(connection, since, moment))
            made = store.read(lambda connection: list(hand_offs(connection, since, moment)))
            progress("computing served scores again", 0.0)
            find = _Bundles(self.contract, side).find
            again = store.read(lambda connection: replayed(connection, history, find, moment, self.replay))
            before = store.read(keeping.last_look)
            asked = Asked(self.contract, side, history, told, now, before, again, shadow, made)
            found = watch(asked, progress)
            if keep:
                store.write(lambda connection: keeping.keep(connection, found.body, found.new))
        finally:
            store.close()
        return found

    def _open(self) -> "Store":
        from serving.store.store import Store

        return Store.open(self.url, self.contract.folder, self.contract.ready.product)

    def _at_files(self, progress: "Report", *, keep: bool) -> "Watched":
        import pyarrow as pa
        import pyarrow.compute as pc

        from data.check import check
        from data.clock import wall_clock
        from data.tables import TIME
        from serving.watching.reading import reach_of
        from training.watching.watch import Asked, Replayed, watch

        progress("checking the facts", 0.0)
        history = check(self.contract).history
        moment = _past(self.as_of, history.ends_at, "the end of the history")
        history = replace(history.upto(moment), ends_at=moment)
        told = _read_scores(self.files)
        since, until = (pa.scalar(at, TIME) for at in (moment - reach_of(self.contract), moment))
        told = told.filter(pc.and_(pc.greater_equal(told["as_of"], since), pc.less_equal(told["as_of"], until)))
        why = "scores in files do not say what they were made from, which only the service's store keeps."
        notes = self.contract.state_folder / NOTES
        before = json.loads(notes.read_text(encoding="utf-8")) if notes.is_file() else None
        asked = Asked(self.contract, self._side(), history, told, wall_clock(), before, Replayed(why=why))
        found = watch(asked, progress)
        if keep:
            notes.parent.mkdir(parents=True, exist_ok=True)
            notes.write_text(json.dumps(found.body, ensure_ascii=False), encoding="utf-8")
        return found

    def _side(self) -> "Side":
        """The version to compare with: as asked, else what is live, else the champion."""
        from models.bundle import read_bundle
        from serving.commands.deploy import live_folder
        from serving.live.pointer import bundle_folder, read_pointer
        from training.comparing.side import find_side, make_side

        pointer = read_pointer(live_folder(self.contract))
        if self.bundle is not None:
            return find_side(self.contract, str(self.bundle))
        if self.version is not None or pointer is None:
            return find_side(self.contract, self.version or "champion")
        live = pointer.current
        folder = bundle_folder(live_folder(self.contract), live.bundle_id)
        name = f"version {live.version}" if live.version else f"bundle {live.bundle_id[:8]}"
        return make_side(name, folder, read_bundle(folder, live.bundle_id), live.version or None)


class _Bundles:
    """Bundles by their id: those that lie beside the contract, else those of the registry."""

    def __init__(self, contract: "Contract", side: "Side") -> None:
        self._contract = contract
        self._found: dict[str, Bundle | None] = {side.bundle.bundle_id: side.bundle}

    def find(self, bundle_id: str, version: str) -> "Bundle | None":
        """The bundle, or None where it is nowhere."""
        if bundle_id not in self._found:
            self._found[bundle_id] = self._beside(bundle_id) or self._fetched(bundle_id, version)
        return self._found[bundle_id]

    def _beside(self, bundle_id: str) -> "Bundle | None":
        from contextlib import suppress

        from data.errors import BundleError
        from models.bundle import read_bundle
        from serving.live.pointer import bundle_folder

        for folder in ("live", "bundles"):
            with suppress(BundleError):
                return read_bundle(bundle_folder(self._contract.state_folder / folder, bundle_id), bundle_id)
        return None

    def _fetched(self, bundle_id: str, version: str) -> "Bundle | None":
        from data.errors import ReadinessError
        from models.bundle import read_bundle
        from training.fetch import fetch_version

        if not version:
            return None
        try:
            fetched = fetch_version(self._contract, version, self._contract.state_folder / "bundles")
        except ReadinessError:
            return None
        found = read_bundle(fetched.folder)
        return found if found.bundle_id == bundle_id else None


def _past(as_of: int | None, end: int, named: str = "now") -> int:
    """The moment of the look. Raises NotMaturedError when it lies ahead."""
    from data.clock import iso
    from data.errors import NotMaturedError

    if as_of is not None and as_of > end:
        raise NotMaturedError(
            f"--as-of {iso(as_of)} is after {named}, {iso(end)}: what happened in between is not known. Look as of an "
            "earlier moment."
        )
    return end if as_of is None else as_of


def _read_scores(files: Sequence[Path]) -> "pa.Table":
    """The scores of files and folders, those of several nights one below the other. Raises SchemaError."""
    import pyarrow as pa

    from features.tables import read_tables
    from training.watching.told import as_told

    parts = [as_told(part) for file in files for part in read_tables(str(file))]
    return pa.concat_tables(parts, promote_options="default")


def nights(at: str) -> Iterator[int]:
    """Each night at that time of day (UTC), as it comes. Raises ContractError at once for a time that is none."""
    from serving.worker.nightly import time_of_day

    return _each(time_of_day(at))


def _each(due: tuple[int, int]) -> Iterator[int]:
    from data.clock import DAY, SECOND, wall_clock
    from serving.worker.nightly import last_due

    done = last_due(due, wall_clock())
    while True:
        while (latest := last_due(due, wall_clock())) <= done:
            time.sleep(max(min((done + DAY - wall_clock()) / SECOND, 60.0), 0.5))
        done = latest
        yield done
