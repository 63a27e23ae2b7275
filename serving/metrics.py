"""What the service tells of itself to Prometheus: requests here, its state in ``serving.gauges``."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from serving.lots import Lots

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_Kind = tuple[str, str, int]
"""The method, the route and the status of requests that are counted together."""


class Metrics:
    """The registry of one application. Threads may share it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "readiness_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "readiness_request_seconds",
            "Seconds from a request's head to the head of its answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._known: dict[_Kind, tuple[Counter, Histogram]] = {}
        self._uncounted: Lots[tuple[_Kind, float]] = Lots(self._count)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is a template, so that there are as many series as routes."""
        self._uncounted.add(((method, route, status), seconds))

    def _count(self, answers: Iterable[tuple[_Kind, float]]) -> None:
        many: dict[_Kind, int] = {}
        for kind, seconds in answers:
            if kind not in self._known:
                self._known[kind] = self._requests.labels(*kind), self._seconds.labels(kind[1])
            self._known[kind][1].observe(seconds)
            many[kind] = many.get(kind, 0) + 1
        for kind, requests in many.items():
            self._known[kind][0].inc(requests)

    def text(self) -> bytes:
        """The exposition that Prometheus reads."""
        self._uncounted.count_all()
        return generate_latest(self.registry)
