"""What the name of a column gives away: its plain form, and whether it says who somebody is."""

import re

_PERSONAL = {
    *("email", "mail", "phone", "mobile", "fax", "firstname", "lastname", "surname", "street", "ip", "linkedin"),
    *("birthdate", "photo"),
}


def plain(name: str) -> str:
    """``StockCode``, ``stock code`` and ``stock-code`` as ``stock_code``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_").removeprefix("property_")


def personal_reason(name: str) -> str | None:
    """Why a column says who somebody is rather than what they are like; None where it does not."""
    text = plain(name)
    word = next((word for word in text.split("_") if word in _PERSONAL), None)
    if word is None and (text in {"name", "address"} or text.endswith(("first_name", "last_name", "full_name"))):
        word = text
    return None if word is None else f"{word!r} in its name: it says who somebody is"
