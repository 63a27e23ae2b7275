"""The state of the service at the moment of a scrape: model, store, work that waits, drift."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from data.clock import SECOND, wall_clock
from serving.live.loading import Loaded
from serving.service import Service
from serving.shadowing.shadow import Shadow
from serving.store.failures import StoreDown
from serving.store.store import Store
from serving.store.tables import deliveries, looks, standings
from serving.worker.duties import at_work


class Gauges(Collector):
    """Reads the service when Prometheus asks."""

    def __init__(self, service: Service, shadow: Shadow | None = None) -> None:
        self._service, self._shadow = service, shadow

    def describe(self) -> Iterator[Metric]:
        """Nothing before the first scrape: the store may not be open yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What there is to tell now."""
        model = self._service.model
        yield _gauge("readiness_model_up", "1 when a bundle answers.", float(model.loaded is not None))
        yield _gauge("readiness_model_trouble", "1 when the deployed bundle was refused.", float(bool(model.trouble)))
        yield _counter("readiness_model_exchanges", "Bundles exchanged while serving.", model.exchanges)
        yield _counter("readiness_model_refusals", "Deployed bundles that were refused.", model.failures)
        if model.loaded is not None:
            yield from _of_model(model.loaded)
        if self._shadow is not None:
            yield from _of_shadow(self._shadow)
        if self._service.settings.store is not None:
            yield from _of_store(None if self._service.opening else self._service.store)


class _Work(NamedTuple):
    looks: int
    oldest_look: int | None
    pending: int
    oldest_due: int | None
    dead: int
    workers: int
    states: dict[str, int]


def _of_model(loaded: Loaded) -> Iterator[Metric]:
    info = GaugeMetricFamily("readiness_model_info", "The bundle that answers.", labels=("version", "bundle_id"))
    info.add_metric((loaded.version, loaded.bundle.bundle_id), 1.0)
    yield info
    yield _gauge("readiness_model_loaded_timestamp_seconds", "When it was loaded.", loaded.at)
    drift = loaded.drift
    states = CounterMetricFamily("readiness_scores", "Answers by the state they named.", labels=("state",))
    for state, count in sorted(drift.states.items()):
        states.add_metric((state,), count)
    yield states
    yield _gauge("readiness_base_rate", "Share of test rows with the outcome, at training.", loaded.base_rate)
    yield _gauge("readiness_mean_readiness", "Mean readiness of the latest answers.", drift.mean)
    yield _gauge("readiness_psi", "Population stability index of the latest answers against the reference.", drift.psi)
    yield _gauge("readiness_unknown_kinds_ratio", "Share of kinds of events unknown to the model.", drift.unknown)
    words = "Share of values of leads' categories that the model has no level for."
    yield _gauge("readiness_unknown_levels_ratio", words, drift.unknown_levels)


def _of_shadow(shadow: Shadow) -> Iterator[Metric]:
    info = GaugeMetricFamily("readiness_shadow_info", "The bundle in the shadow.", labels=("version", "bundle_id"))
    challenger = shadow.challenger.loaded
    if challenger is not None:
        info.add_metric((challenger.version, challenger.bundle.bundle_id), 1.0)
    yield info
    yield _counter("readiness_shadow_scored", "Scores that the shadow made and kept.", shadow.scored)
    yield _counter(
        "readiness_shadow_dropped", "Told scores for which it had no room or no store.", shadow.waiting.dropped
    )
    yield _counter("readiness_shadow_failed", "Told scores that it failed on.", shadow.failed)
    yield _counter("readiness_shadow_refusals", "Bundles for the shadow that were refused.", shadow.challenger.refusals)
    yield _gauge("readiness_shadow_waiting", "Told scores that wait for it.", float(len(shadow.waiting)))


def _of_store(store: Store | None) -> Iterator[Metric]:
    work = None
    if store is not None:
        try:
            work = store.read(_work)
        except StoreDown:
            work = None
    yield _gauge("readiness_store_up", "1 when the store answers.", float(work is not None))
    if store is None or work is None:
        return
    now = wall_clock()
    yield _gauge("readiness_store_waiting", "Changes that wait for the writer.", store.waiting())
    yield _gauge("readiness_looks", "Leads with news that were not looked at yet.", work.looks)
    yield _gauge("readiness_looks_age_seconds", "Age of the oldest of them.", _age(now, work.oldest_look))
    yield _gauge("readiness_outbox_pending", "Deliveries that wait.", work.pending)
    yield _gauge("readiness_outbox_age_seconds", "How long the oldest is overdue.", _age(now, work.oldest_due))
    yield _gauge("readiness_outbox_dead", "Deliveries that were given up.", work.dead)
    yield _gauge("readiness_workers", "Workers that were seen in the last half minute.", work.workers)
    leads = GaugeMetricFamily("readiness_leads", "Leads by state.", labels=("state",))
    for state, count in sorted(work.states.items()):
        leads.add_metric((state,), count)
    yield leads


def _work(connection: Connection) -> _Work:
    looked = connection.execute(select(func.count(), func.min(looks.c.since))).one()
    due = select(func.count(), func.min(deliveries.c.due_at)).where(deliveries.c.state == "pending")
    dead = select(func.count()).where(deliveries.c.state == "dead")
    states = select(standings.c.state, func.count()).group_by(standings.c.state)
    pending = connection.execute(due).one()
    return _Work(
        looked[0],
        looked[1],
        pending[0],
        pending[1],
        connection.execute(dead).scalar_one(),
        at_work(connection, wall_clock() - 30 * SECOND),
        {str(state): int(count) for state, count in connection.execute(states)},
    )


def _age(now: int, moment: int | None) -> float:
    return 0.0 if moment is None else max(now - moment, 0) / 1e6


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, value=value)
