"""The desk in a browser: pictures of its pages, and how soon they are painted, with 10,000 leads in the store.

    python -P -m benchmarks.desk                  # first paint and response of each page, as a table
    python -P -m benchmarks.desk --write docs     # and pictures: docs/desk-*.png
    python -P -m benchmarks.desk --leads 300 --copies 2 --weeks 8    # smaller, for a try

A market is simulated, a model is trained on all but its last weeks, and every lead is looked at as of each of them; all
of it is kept in ``.readiness/bench/desk``, a folder for each size. Needs Chromium and the package playwright.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import func, select

from benchmarks.desk_market import copy_leads, later, look_weekly
from data.check import check
from data.clock import DAY, WEEK, iso, wall_clock
from data.contract import load_contract
from data.simulation.folder import write
from data.simulation.market import simulate
from data.store.tables import leads
from data.tables import TIME
from models.agreement import curve_of
from models.bundle import read_bundle
from models.scorer import Scorer
from serving.agreeing.versions import Change, agree, agreed_in
from serving.ingest.loading import load_history
from serving.key_store import create_key
from serving.live.loading import Loaded
from serving.store.store import Store
from serving.store.tables import standings

SIZE = {"width": 1280, "height": 900}
TALL = {"width": 1280, "height": 1240}
PHONE = {"width": 390, "height": 844}
ROUNDS = 5
ALARMS = 3
"""How `readiness watch` ends when something is alarming."""
SAID = (("Two new colleagues in sales", "ann"), ("Fewer calls until they know the product", "ben"))


@dataclass(frozen=True)
class Size:
    """So many leads of the market, each so often where paint is timed, and weeks that the model served."""

    leads: int
    copies: int
    weeks: int


@dataclass(frozen=True)
class Desk:
    """Where a desk is served, a key that may do everything there, and a lead with a story."""

    url: str
    key: str
    lead: str


def build(folder: Path, size: Size) -> tuple[Path, Path]:
    """The contract that was trained by and the bundle folder, beside a store after some weeks; made once."""
    contract = folder / "known" / "readiness.toml"
    if not (folder / "trained.json").exists():
        write(simulate("steady", size.leads, 4), folder)
        _until(folder, contract, size.weeks)
        command = [sys.executable, "-P", "-m", "serving.cli", "train", "--contract", str(contract), "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[1])
        (folder / "trained.json").write_bytes(done.stdout)
    said = json.loads((folder / "trained.json").read_text())
    bundle = load_contract(contract).state_folder / "bundles" / said["bundle_id"]
    if not (folder / "filled").exists():
        (folder / "store.db").unlink(missing_ok=True)
        _fill(_url(folder / "store.db"), bundle, folder / "readiness.toml", said["version"], size.weeks)
        _watch(folder, contract, bundle)
        (folder / "filled").touch()
    return contract, bundle


def _url(file: Path) -> str:
    return f"sqlite:///{file}"


def _until(folder: Path, contract: Path, weeks: int) -> None:
    """What was known before the weeks that are served, beside a contract whose history ends there."""
    known, whole = contract.parent, load_contract(folder / "readiness.toml")
    ends_at = check(whole).history.ends_at - weeks * WEEK
    known.mkdir(exist_ok=True)
    for file in folder.glob("*.parquet"):
        table = pq.read_table(file)
        at = next(name for name in ("known_at", "created_at") if name in table.column_names)
        pq.write_table(table.filter(pc.less(table[at].cast(TIME), pa.scalar(ends_at, TIME))), known / file.name)
    shutil.copy(folder / "points.toml", known)
    text = re.sub(r"history_end = .*", f"history_end = {iso(ends_at)}", whole.text)
    contract.write_text(text, encoding="utf-8")


def _watch(folder: Path, contract: Path, bundle: Path) -> None:
    """What became of what was told, as the program finds it."""
    command = [sys.executable, "-P", "-m", "serving.cli", "watch", "--contract", str(contract), "--bundle", str(bundle)]
    done = subprocess.run([*command, "--store", _url(folder / "store.db"), "--no-mlflow"], check=False)
    if done.returncode not in {0, ALARMS}:
        raise RuntimeError("readiness watch found nothing; what it said is above. Mend that, then run this again.")


def _fill(url: str, folder: Path, contract: Path, version: str, weeks: int) -> None:
    bundle, agreed = read_bundle(folder), load_contract(contract)
    history = check(agreed).history
    loaded = Loaded(bundle, Scorer(bundle), version)
    store = Store.open(url, product=agreed.ready.product)
    try:
        load_history(store, later(history, wall_clock() - history.ends_at))
        curve = curve_of(bundle)
        for since, ((why, by), place) in enumerate(zip(SAID, (1.5, 1.0), strict=True)):
            capacity = place * (agreed.policy.capacity_per_week or 1.0)
            change = Change(curve.at(capacity).per_week if curve else None, why, by, since)
            moment = wall_clock() - (60 - 40 * since) * DAY
            store.write(lambda connection, change=change, at=moment: agree(connection, loaded, change, at))  # type: ignore[misc]
        look_weekly(store, agreed_in(store, loaded), weeks, lambda week: print(f"week {-week}", file=sys.stderr))
    finally:
        store.close()


@contextmanager
def serving(bundle: Path, url: str, contract: Path) -> Iterator[Desk]:
    """The desk of a service in a process of its own."""
    store = Store.open(url)
    key = create_key(store, f"sales-{os.urandom(3).hex()}", ("admin",))
    lead = _with_a_story(store)
    store.close()
    command = [sys.executable, "-P", "-m", "serving.cli", "serve", "--bundle", str(bundle), "--store", url]
    process = subprocess.Popen(
        [*command, "--port", "0", "--no-worker", "--contract", str(contract)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        address = process.stdout.readline().strip()
        while httpx.get(f"{address}/readyz").status_code != httpx.codes.OK:
            time.sleep(0.2)
        yield Desk(address, key, lead)
    finally:
        process.terminate()
        process.wait(30)


def _with_a_story(store: Store) -> str:
    """A ready lead that moved most often, of those that are not copies."""
    from serving.store.tables import transitions  # noqa: PLC0415 - used here alone

    moved = (
        select(standings.c.lead_id)
        .join(transitions, transitions.c.lead_id == standings.c.lead_id)
        .where(standings.c.state == "ready")
        .group_by(standings.c.lead_id)
        .order_by(func.count().desc(), standings.c.lead_id)
        .limit(1)
    )
    found = store.read(lambda connection: connection.execute(moved).scalar())
    return str(
        found or store.read(lambda connection: connection.execute(select(leads.c.lead_id).limit(1)).scalar_one())
    )


def paths(desk: Desk) -> dict[str, str]:
    """The pages by name."""
    return {
        "work": "/",
        "search": "/?view=all&search=software",
        "lead": f"/desk/lead?id={desk.lead}",
        "agree": "/desk/agree",
        "trust": "/desk/trust",
    }


def sign_in(page: Page, desk: Desk) -> None:
    """As a person does it."""
    page.goto(desk.url)
    page.get_by_label("API key").fill(desk.key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("nav")


def paint(page: Page, address: str) -> tuple[float, float]:
    """Milliseconds until the first byte and until something is painted."""
    page.goto(address, wait_until="load")
    while not page.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
        page.wait_for_timeout(20)
    found = page.evaluate(
        "[performance.getEntriesByType('navigation')[0].responseStart,"
        " performance.getEntriesByName('first-contentful-paint')[0].startTime]"
    )
    return float(found[0]), float(found[1])


def measure(browser: Browser, desk: Desk) -> None:
    """Print the median of some rounds for each page."""
    page = browser.new_page(viewport=SIZE)
    sign_in(page, desk)
    for name, path in paths(desk).items():
        rounds = [paint(page, desk.url + path) for _ in range(ROUNDS)]
        first, painted = (statistics.median(part) for part in zip(*rounds, strict=True))
        print(f"{name:8} first byte {first:5.0f} ms, first paint {painted:5.0f} ms")
    page.close()


def pictures(browser: Browser, desk: Desk, folder: Path) -> None:
    """Pictures of the pages, light; of the work list dark and on a phone too."""
    for name, scheme, size, path in (
        ("work", "light", SIZE, "work"),
        ("lead", "light", TALL, "lead"),
        ("agree", "light", SIZE, "agree"),
        ("trust", "light", TALL, "trust"),
        ("dark", "dark", SIZE, "agree"),
        ("phone", "light", PHONE, "work"),
    ):
        page = browser.new_page(viewport=size, color_scheme=scheme, device_scale_factor=1)  # type: ignore[arg-type]
        sign_in(page, desk)
        page.goto(desk.url + paths(desk)[path])
        page.screenshot(path=folder / f"desk-{name}.png")
        page.close()


def _many(folder: Path, copies: int) -> str:
    """The URL of a store with so many of each lead."""
    shutil.copy(folder / "store.db", folder / "many.db")
    store = Store.open(_url(folder / "many.db"))
    print(f"{copy_leads(store, copies):,} leads", file=sys.stderr)
    store.close()
    return _url(folder / "many.db")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="The desk in a browser.")
    parser.add_argument("--write", type=Path, help="Write pictures to this folder.")
    parser.add_argument("--leads", type=int, default=1_250, help="of the market that is simulated")
    parser.add_argument("--copies", type=int, default=8, help="so many of each lead where paint is timed")
    parser.add_argument("--weeks", type=int, default=30, help="that the model served")
    asked = parser.parse_args()
    size = Size(asked.leads, asked.copies, asked.weeks)
    kept = Path(os.environ.get("READINESS_BENCH", ".readiness/bench")).resolve() / "desk"
    folder = kept / f"{size.leads}-leads-{size.weeks}-weeks"
    folder.mkdir(parents=True, exist_ok=True)
    contract, bundle = build(folder, size)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if asked.write:
            with serving(bundle, _url(folder / "store.db"), contract) as desk:
                pictures(browser, desk, asked.write)
        with serving(bundle, _many(folder, size.copies), contract) as desk:
            measure(browser, desk)
        browser.close()


if __name__ == "__main__":
    main()
