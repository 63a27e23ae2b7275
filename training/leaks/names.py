"""Words that give a field away. A name alone proves nothing: it only adds to other evidence."""

import re

TELLING = frozenset(
    {
        *(
            "won",
            "lost",
            "win",
            "loss",
            "closed",
            "close",
            "closing",
            "deal",
            "deals",
            "contract",
            "signed",
            "signature",
        ),
        *(
            "outcome",
            "result",
            "results",
            "stage",
            "status",
            "reason",
            "converted",
            "conversion",
            "customer",
            "churned",
        ),
        *("invoice", "invoiced", "invoices", "paid", "payment", "revenue", "amount", "order", "orders", "opportunity"),
        *(
            "duration",
            "talk",
            "call",
            "calls",
            "called",
            "meeting",
            "disposition",
            "decision",
            "probability",
            "forecast",
        ),
        *("onboarding", "onboarded", "renewal", "discount", "quote", "quoted", "proposal", "rep", "owner", "sdr", "sr"),
    }
)
"""Words of what sales does and what becomes of it."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name, in lower case: ``lastCallResult`` and ``last_call_result`` alike."""
    return tuple(word.lower() for word in _WORD.findall(name))


def telling_words(name: str) -> tuple[str, ...]:
    """Those of them that give a field away, in their order."""
    return tuple(word for word in words_of(name) if word in TELLING)
