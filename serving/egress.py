"""The one way out: calls to addresses that others chose, kept away from everything inside.

A call goes over https to an allowed host whose address is public, checked on the very address that is connected to, so
that a name which changes its mind between a check and a connection gains nothing. No redirect is followed, no proxy of
the environment is asked, and both the time and the size of an answer are bounded.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import httpcore
import httpx

from data.errors import ContractError, ReadinessError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "168.63.129.16/32", "2001::/23"))
"""Public to some versions of Python, or by number: protocol assignments, and machines of clouds' own."""


class ForbiddenError(ReadinessError):
    """A call that may not be made, and will not be however often it is tried."""


class UnreachableError(ReadinessError):
    """A call that found nobody, or got no whole answer in time; it may work later."""


@dataclass(frozen=True)
class EgressSettings:
    """Where calls may go.

    ``hosts``: names, or ``*.example.com`` for all below; none given: any public host. ``private``: networks that are
    not public and yet allowed, such as 10.0.0.0/8. ``plain_http``: also without TLS. Times in seconds.
    """

    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    plain_http: bool = False
    timeout_s: float = 15.0
    max_answer_bytes: int = 64 * 1024

    def __post_init__(self) -> None:
        for text in self.private:
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ContractError(f"{text!r} is not a network. Expected one such as 10.0.0.0/8.") from None


def from_environment(environment: Mapping[str, str]) -> EgressSettings:
    """``READINESS_OUTGOING_HOSTS``, ``_OUTGOING_PRIVATE`` (networks) and ``_OUTGOING_HTTP`` (1: without TLS too)."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(environment.get(name, "").replace(",", " ").lower().split())

    plain = environment.get("READINESS_OUTGOING_HTTP", "") in {"1", "true", "yes"}
    return EgressSettings(words("READINESS_OUTGOING_HOSTS"), words("READINESS_OUTGOING_PRIVATE"), plain)


@dataclass(frozen=True)
class Answer:
    """What came back; ``body`` is cut at the limit, header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Egress:
    """A client for outgoing calls. Close it with ``aclose``."""

    def __init__(
        self, settings: EgressSettings, tls: ssl.SSLContext | None = None, resolve: Resolve | None = None
    ) -> None:
        self.settings = settings
        backend = _CheckedBackend(settings, resolve or resolve_name)
        self._client = httpx.AsyncClient(
            transport=_CheckedTransport(backend, tls or ssl.create_default_context()),
            timeout=settings.timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Make the call. Raises ForbiddenError where it may not be made, UnreachableError where nobody answers."""
        check_url(self.settings, url)
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                return await self._send(method, url, headers, body)
        except (TimeoutError, httpx.TimeoutException):
            raise UnreachableError(
                f"No whole answer within {self.settings.timeout_s:g} s. It is tried again."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as error:
            raise UnreachableError(f"The call failed: {type(error).__name__}: {str(error)[:200]}.") from None

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        limit = self.settings.max_answer_bytes
        async with self._client.stream(method, url, headers=dict(headers), content=body) as response:
            found = bytearray()
            # What was sent is what is counted: a small body that unpacks to a huge one is not unpacked.
            async for chunk in response.aiter_raw(16_384):
                found += chunk
                if len(found) >= limit:
                    break
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, told, bytes(found[:limit]))

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def check_url(settings: EgressSettings, url: str) -> None:
    """Raises ForbiddenError for an address that is refused by its text alone."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise ForbiddenError(
            f"{url[:100]!r} is not an address. Expected one such as https://example.com/hook."
        ) from None
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.plain_http):
        raise ForbiddenError(f"A call to {parts.scheme}://{parts.host[:80]} is not made. Expected https.")
    if parts.port is not None and not 0 < parts.port < 65_536:
        raise ForbiddenError(f"{url[:100]!r} has no port that there is. Expected one from 1 to 65535, or none.")
    if not parts.host or parts.userinfo:
        raise ForbiddenError(
            "An address without a host, or with a user in it, is not called. Expected https://host/path."
        )
    if settings.hosts and not allows(settings.hosts, parts.host):
        raise ForbiddenError(
            f"{parts.host[:80]!r} is not among the allowed hosts. Add it to READINESS_OUTGOING_HOSTS if it should be."
        )


def allows(hosts: Iterable[str], host: str) -> bool:
    """Whether a host is one of these, or below one that is written ``*.example.com``."""
    host = host.lower().rstrip(".")
    return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts)


def check_address(settings: EgressSettings, text: str) -> None:
    """Raises ForbiddenError for an address that is not public, unless its network is allowed."""
    address = ipaddress.ip_address(text.partition("%")[0])
    allowed = [ipaddress.ip_network(one) for one in settings.private]
    inner = _inner(address)
    if any(one in network for one in (address, inner) for network in allowed if one.version == network.version):
        return
    public = all(one.is_global and not one.is_multicast and not _reserved(one) for one in (address, inner))
    if not public:
        raise ForbiddenError(
            "The name leads to an address that is not public. If that is meant, add its network to "
            "READINESS_OUTGOING_PRIVATE."
        )


def _reserved(address: Address) -> bool:
    return any(address in network for network in _NEVER if network.version == address.version)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries, if it carries one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


async def resolve_name(host: str, port: int) -> list[str]:
    """The addresses of a host, as the machine resolves them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class _CheckedBackend(httpcore.AnyIOBackend):
    """Connections to addresses that were checked, and to no other."""

    def __init__(self, settings: EgressSettings, resolve: Resolve) -> None:
        self._settings = settings
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve once, check every address, connect to the first that answers."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host[:80]!r} has no address ({type(error).__name__})") from None
        for address in addresses:
            check_address(self._settings, address)
        failure: Exception = httpcore.ConnectError(f"{host[:80]!r} has no address")
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        """Never: a path on this machine is no host."""
        raise ForbiddenError("A socket of this machine is not called. Expected https://host/path.")


class _CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport with connections of ours; names in certificates are still checked by httpcore."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=100, keepalive_expiry=5.0, network_backend=backend
        )
