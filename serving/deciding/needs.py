"""What the features of a bundle read of a lead, so that nothing else is fetched for them."""

from dataclasses import dataclass
from functools import lru_cache

from features.context import Attribute
from models.bundle import Bundle


@dataclass(frozen=True)
class Needs:
    """Whether attributes of the lead, attributes of its account, and the events of its account's other leads."""

    attributes: bool = True
    account_attributes: bool = True
    account_events: bool = True

    @property
    def account(self) -> bool:
        """Whether anything of the account."""
        return self.account_attributes or self.account_events


@lru_cache(maxsize=2)
def needs_of(bundle: Bundle) -> Needs:
    """What the features of a bundle read."""
    attributes = [feature for feature in bundle.feature_set if isinstance(feature, Attribute)]
    return Needs(
        attributes=any(not attribute.of_account for attribute in attributes),
        account_attributes=any(attribute.of_account for attribute in attributes),
        account_events=any(feature.per == "account" for feature in bundle.feature_set),
    )
