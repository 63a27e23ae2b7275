"""A worker in a process of its own, until SIGINT or SIGTERM."""

import asyncio
import os
import signal
import threading
from collections.abc import Mapping

from serving.logs import start_logging
from serving.service import Service
from serving.settings import Settings, WorkerSettings
from serving.shadowing.shadow import Shadow
from serving.worker.attending import Attending


def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Work until told to stop; a second signal ends the process at once. Raises what kept it from beginning."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    start_logging()
    stop = threading.Event()
    failures: list[Exception] = []

    def failed(error: Exception) -> None:
        failures.append(error)
        stop.set()

    def told(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    service = Service(settings, failed)
    shadow = Shadow.of(service)
    worker = Attending(service, settings.worker or WorkerSettings(), environment)
    service.start()
    worker.start()
    if shadow is not None:
        shadow.start()
    stop.wait()
    worker.stop()
    if shadow is not None:
        shadow.stop()
    asyncio.run(service.stop())
    if failures:
        raise failures[0]
