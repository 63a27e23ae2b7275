"""The help of every verb, as the program itself prints it."""

import typer
from typer.cli import get_docs_for_click

HEAD = """# The command line

What `readiness VERB --help` says, for all verbs. Exit 0: fine. Exit 1: something that you can mend, said in one
sentence. Exit 2: the command itself is wrong. Exit 3: `readiness watch` has alarms. Answers go to stdout, everything
else to stderr; `--json` makes the answer one JSON document.

"""


def verbs_page() -> str:
    """The page as Markdown."""
    from serving.cli import app  # noqa: PLC0415 - the command line may import this module

    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="readiness")
    told = get_docs_for_click(obj=command, ctx=context, name="readiness", title="readiness")
    return HEAD + _as_documents(told)


def _as_documents(told: str) -> str:
    """One heading for the whole page, and no line that ends in blanks."""
    told = told.replace("```console\n$ ", "```text\n")  # how it is written, no command to paste
    lines = [f"#{line}" if line.startswith("# ") else line.rstrip() for line in told.splitlines()]
    return "\n".join(lines).strip() + "\n"
