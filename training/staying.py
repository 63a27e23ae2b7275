"""A Dask client whose tasks stay where the pinned result is that they need."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client, Future


class Staying:
    """``client``, but a task upon a pinned one's result is pinned to the same workers, and so is not stolen.

    LightGBM holds a port open on each worker, and takes socket and number apart in tasks of their own without saying
    where (as of 4.7). An idle worker that steals such a task asks for the socket again and again, because a socket
    cannot be sent, and the fit waits for ever. Under load, where brief tasks seem long, this happens.
    """

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._homes: dict[object, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, func: Any, *args: Any, workers: Any = None, **kwargs: Any) -> "Future[Any]":
        """As the client's; ``workers``, where it is not given, are those of the first argument that was pinned."""
        if workers is None:
            pinned = (getattr(arg, "key", None) for arg in args)
            workers = next((self._homes[key] for key in pinned if key in self._homes), None)
        future: Future[Any] = self._client.submit(func, *args, workers=workers, **kwargs)
        if workers is not None:
            self._homes[future.key] = workers
        return future
