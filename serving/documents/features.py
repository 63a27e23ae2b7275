"""The feature dictionary of a small simulated market: what `readiness features --markdown` writes for your facts."""

LEADS = 300
HEAD = """This is the dictionary of a simulated market. Yours follows from your facts: `readiness features --markdown`
writes it.

"""


def features_page() -> str:
    """The page as Markdown."""
    from data.simulation.market import simulate  # noqa: PLC0415 - the market is large, the other pages need none
    from features.catalog import default_catalog  # noqa: PLC0415
    from features.dictionary import to_markdown  # noqa: PLC0415
    from features.profile import profile  # noqa: PLC0415

    history = simulate("steady", LEADS, 1).history
    title, rest = to_markdown(default_catalog(profile(history, history.ends_at))).split("\n\n", 1)
    return f"{title}\n\n{HEAD}{rest}".rstrip() + "\n"
