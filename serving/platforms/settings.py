"""What the doors of the platforms are told when the service starts: secrets, addresses, words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.errors import ContractError
from serving.platforms.marketo import CALLBACK_HOSTS

_SECRETS = ("hubspot", "segment", "rudderstack", "mautic")


@dataclass(frozen=True)
class PlatformSettings:
    """From the environment, never from the store. Secrets are kept out of every printed form.

    ``public_url`` is how the outside calls this service (scheme, host, any prefix), where a proxy stands before it:
    HubSpot signs that address. ``secrets`` is by platform; a platform without one is let in by an API key alone.
    ``former`` are the secrets before those, which are valid too while they are being exchanged.
    ``outcomes`` says which track events mean which outcome. ``hubspot_api`` is where blocked actions are completed,
    ``hubspot_token_env`` names the variable with the token for it. Marketo's results go to ``marketo_callback_hosts``
    alone. ``support`` is an e-mail or a page that Marketo shows. ``mautic_api`` and ``mautic_group`` are the address of
    Mautic and the number of the point group that scores asked for by a campaign are written to; READINESS_MAUTIC_TOKEN
    then holds user:password.
    """

    public_url: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    former: Mapping[str, str] = field(default_factory=dict, repr=False)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    hubspot_api: str = "https://api.hubapi.com"
    hubspot_token_env: str = "READINESS_HUBSPOT_TOKEN"  # noqa: S105 - the name of a variable, not a secret
    marketo_callback_hosts: tuple[str, ...] = CALLBACK_HOSTS
    support: str = ""
    mautic_api: str = ""
    mautic_group: int = 0

    def __post_init__(self) -> None:
        addresses = {
            "READINESS_PUBLIC_URL": self.public_url,
            "READINESS_HUBSPOT_API": self.hubspot_api,
            "READINESS_MAUTIC_API": self.mautic_api,
        }
        for name, url in addresses.items():
            if url and not url.startswith(("https://", "http://")):
                raise ContractError(f"{name} is {url!r}. Expected an address such as https://scores.example.com.")

    def secret(self, platform: str) -> str:
        """The secret of a platform, "" when there is none."""
        return self.secrets.get(platform, "")

    def valid(self, platform: str) -> tuple[str, ...]:
        """The secrets that a platform may sign with: its own, and the one before it while both are valid."""
        return tuple(secret for secret in (self.secret(platform), self.former.get(platform, "")) if secret)


def from_environment(environment: Mapping[str, str]) -> PlatformSettings:
    """The settings of ``READINESS_*`` variables. Raises ContractError for what cannot be read."""
    found = {name: environment.get(f"READINESS_{name.upper()}_SECRET", "") for name in _SECRETS}
    former = {name: environment.get(f"READINESS_{name.upper()}_SECRET_BEFORE", "") for name in _SECRETS}
    for name in _SECRETS:
        if former[name] and not found[name]:
            raise ContractError(
                f"READINESS_{name.upper()}_SECRET_BEFORE is set and READINESS_{name.upper()}_SECRET is not. Expected "
                "the new secret there, and the one before it only while they are exchanged."
            )
    given = {
        "hubspot_api": environment.get("READINESS_HUBSPOT_API", ""),
        "public_url": environment.get("READINESS_PUBLIC_URL", ""),
        "mautic_api": environment.get("READINESS_MAUTIC_API", ""),
    }
    return PlatformSettings(
        secrets={name: secret for name, secret in found.items() if secret},
        former={name: secret for name, secret in former.items() if secret},
        outcomes=_outcomes(environment.get("READINESS_OUTCOME_EVENTS", "")),
        marketo_callback_hosts=_hosts(environment.get("READINESS_MARKETO_CALLBACK_HOSTS", "")),
        support=environment.get("READINESS_SUPPORT", ""),
        mautic_group=_number("READINESS_MAUTIC_GROUP", environment),
        **{name: text.rstrip("/") for name, text in given.items() if text},
    )


def _number(name: str, environment: Mapping[str, str]) -> int:
    text = environment.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ContractError(f"{name} is {text[:40]!r}. Expected the number of a point group in Mautic.")
    return int(text)


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").lower().split()) or CALLBACK_HOSTS


def _outcomes(text: str) -> dict[str, str]:
    """``Order Completed=won, Churned=lost`` as a mapping."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    wrong = [f"{name}{sign}{kind}" for name, sign, kind in pairs if not (name.strip() and kind.strip())]
    if wrong:
        raise ContractError(
            f"READINESS_OUTCOME_EVENTS has {len(wrong)} parts that name no outcome (first: {wrong[0].strip()!r}). "
            "Expected events and outcomes such as: Order Completed=won, Churned=lost."
        )
    return {name.strip(): kind.strip() for name, _, kind in pairs}
