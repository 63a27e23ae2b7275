"""The readers of the pages find what stands there: what they overlook no test would run."""

import pytest

from tests.docs.pages import PAGES, Command, commands, commands_of, spans
from tests.docs.running import run_page
from tests.docs.stories import Story


def words_of(text: str) -> list[str]:
    """The commands of a text, each as one line."""
    return [str(command) for command in commands(text)]


def test_a_command_is_read_as_a_shell_reads_it():
    """Prompts, comments, redirections and settings of variables are left out; what is piped on is a command too."""
    assert words_of("$ readiness check  # what was read") == ["readiness check"]
    assert words_of("KEY=1 readiness check > out.txt 2>> log && make test | tail -n 3") == [
        "readiness check",
        "make test",
        "tail -n 3",
    ]
    assert words_of("curl -d '[\n1\n]' \\\n  http://x") == ["curl -d [\n1\n] http://x"]
    with pytest.raises(AssertionError, match="never closed"):
        commands("echo 'open")


def test_commands_are_found_wherever_they_stand(tmp_path):
    """In shell blocks, in indented blocks that begin like ours, in crontabs; output is none."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n    readiness check   # first\n    output\n\nSay `x`.\n\n```sh\nmake test\n```\n\n```text\n"
        "0 3 * * 1  cd /srv && .venv/bin/readiness retrain --quiet >> log 2>&1\nreadiness is a number\n```\n"
    )
    found = [str(command) for command in commands_of(page)]
    assert found == ["readiness check", "make test", ".venv/bin/readiness retrain --quiet"]
    assert spans(page) == ["x"]


def test_the_pages_are_those_of_the_repository():
    """With the guides in the folder below."""
    assert {"README.md", "docs/watch.md", "docs/integrations/hubspot.md"} <= set(PAGES)


@pytest.mark.parametrize(
    ("shown", "story", "said"),
    [
        ("readiness nonsense", Story(), "ended with 2, not 0"),
        ("readiness --version", Story(exits={"--version": 3}), "ended with 0, not 3"),
        ("readiness --version", Story(before={"train": lambda _: None}), "no command of the page begins so"),
        ("readiness --version", Story(words={"train": "check"}), "no command of the page begins so"),
    ],
)
def test_a_command_that_does_not_do_what_its_page_says_fails(shown, story, said, tmp_path):
    """A verb that is none, another exit code than documented, and a story about commands that the page has not."""
    with pytest.raises((pytest.fail.Exception, AssertionError), match=said):
        run_page([Command(tuple(shown.split()), shown)], story, tmp_path, lambda _: "")
