"""One entry of Mautic's webhook: its moment, its objects, and the fields of a contact or a company."""

from dataclasses import dataclass
from typing import Any

from serving.platforms import reading


@dataclass(frozen=True)
class Entry:
    """An entry, and the kind of event whose list it was in."""

    kind: str
    told: dict[str, Any]

    @property
    def known_at(self) -> int:
        """When Mautic queued it (microseconds). Raises ValueError where it does not say."""
        return reading.moment("timestamp", self.told.get("timestamp"))

    def object(self, name: str) -> dict[str, Any]:
        """A part that has to be there. Raises ValueError where it is not."""
        found = self.told.get(name)
        if not isinstance(found, dict):
            raise ValueError(f"{name} is missing. Expected an object as Mautic sends it.")  # noqa: TRY004 - a bad entry
        return found

    def moment(self, part: dict[str, Any], *names: str) -> int:
        """The first of these times that can be read, else the entry's."""
        for name in names:
            try:
                return reading.moment(name, part.get(name))
            except ValueError:
                continue
        return self.known_at

    @staticmethod
    def person(part: dict[str, Any]) -> dict[str, Any]:
        """Whose it is: a contact, a lead, or the number of one."""
        found = part.get("lead", part.get("contact"))
        return found if isinstance(found, dict) else {"id": found}

    @staticmethod
    def number_of(part: dict[str, Any], name: str) -> Any:
        """The number of a page, a form, an e-mail; None where there is none."""
        found = part.get(name)
        return found.get("id") if isinstance(found, dict) else found


def flat_fields(person: dict[str, Any]) -> dict[str, Any]:
    """The fields by alias: from groups of fields with their values, or as they stand."""
    fields = person.get("fields")
    if not isinstance(fields, dict):
        return {name: value for name, value in person.items() if not isinstance(value, dict | list)}
    flat: dict[str, Any] = {}
    for name, group in fields.items():
        if name == "all" or not isinstance(group, dict):
            continue
        flat |= {alias: one.get("value") for alias, one in group.items() if isinstance(one, dict)}
    plain = fields.get("all")
    return (plain if isinstance(plain, dict) else {}) | flat
