"""Every command of README and docs is run, in the order of its page; here those of the program itself."""

import pytest

from tests.docs.ground import within
from tests.docs.pages import PAGES, ROOT, commands, commands_of, spans
from tests.docs.reading import spoken_of
from tests.docs.running import run_page
from tests.docs.stories import ELSEWHERE, STORIES, Story

OF_OURS = {
    name: found for name, page in PAGES.items() if (found := [c for c in commands_of(page) if c.program == "readiness"])
}
IN_PASSING = sorted({span for page in PAGES.values() for span in spans(page) if span.startswith("readiness ")})
BRIEF = (
    "check --output FACTS",
    "features --markdown",
    "init --from exports",
    "keys create m",
    "keys create s",
    "platforms hubspot-action --",
    "platforms salesforce-openapi --",
)
"""How commands begin that are run although they stand in a sentence: they need nothing but the ground."""


@pytest.mark.parametrize("name", sorted(set(OF_OURS) - set(ELSEWHERE)))
def test_the_commands_of_a_page_do_what_it_says(name, own_ground, request):
    """Each in turn, from a folder such as the page assumes, with the exit code that is documented."""
    run_page(OF_OURS[name], STORIES.get(name, Story()), own_ground, request.getfixturevalue)


def test_every_story_is_that_of_a_page():
    """A page that is renamed takes its story along; what runs elsewhere is run there."""
    assert set(STORIES) | set(ELSEWHERE) <= set(OF_OURS)
    for page, test in ELSEWHERE.items():
        assert f'commands_of(PAGES["{page}"])' in (ROOT / test).read_text()


@pytest.mark.parametrize("span", IN_PASSING)
def test_a_command_in_a_sentence_is_one_that_there_is(span):
    """It has the verb and its options; VERB stands for any."""
    (command,) = commands(span)
    spoken_of([word for word in command.words[1:] if word != "VERB"])


def test_brief_commands_in_sentences_run(own_ground):
    """Those that need nothing but the ground."""
    (own_ground / "exports").mkdir()
    (own_ground / "exports" / "hubspot").symlink_to(own_ground)
    (own_ground / "contract.toml").write_text((own_ground / "readiness.toml").read_text())
    found = [span.removeprefix("readiness ") for span in IN_PASSING]
    run = [span for span in found if span.startswith(BRIEF)]
    assert all(any(span.startswith(start) for span in run) for start in BRIEF)
    for span in run:
        more = ["--force"] if span.startswith("init ") else []
        done = within(own_ground, *span.split(), *more)
        assert done.exit_code == 0, f"{span}: {done.output}"
        if more:
            (own_ground / "contract.toml").replace(own_ground / "readiness.toml")
