"""The command line: ``readiness <verb>``.

Exit 0: fine. Exit 1: something that a user can mend, said in one sentence. Exit 2: the command itself is wrong.
Exit 3: ``readiness watch`` has alarms.
``readiness --help`` imports nothing that a verb needs.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from data.errors import ReadinessError
from serving.commands import (
    backtest,
    check,
    compare,
    define,
    demo,
    deploy,
    features,
    handoffs,
    init,
    keys,
    passing,
    platforms,
    points,
    promote,
    retrain,
    score,
    serve,
    simulate,
    store,
    subscribers,
    train,
    ui,
    watch,
    work,
)


class _Verbs(TyperGroup):
    """The verbs; an error that a user can mend is one sentence and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ReadinessError as error:
            _fail(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            _fail(f"{error.strerror}: {error.filename}. Check the path and who may read or write it.")


def _fail(sentence: str) -> None:
    sys.stderr.write(f"error: {sentence}\n")
    raise typer.Exit(1)


app = typer.Typer(
    name="readiness",
    cls=_Verbs,
    epilog="Start with: readiness demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(*, asked: bool) -> None:
    if asked:
        from importlib import metadata

        typer.echo(f"readiness {metadata.version('readiness')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """How likely is this outcome within this horizon, and why."""


app.command()(demo.demo)
app.command()(init.init)
app.command()(check.check)
app.command()(simulate.simulate)
app.command()(define.define)
app.command()(features.features)
app.command()(train.train)
app.command()(backtest.backtest)
app.command()(compare.compare)
app.command()(promote.promote)
app.command()(retrain.retrain)
app.command()(score.score)
app.command()(deploy.deploy)
app.command()(serve.serve)
app.command()(work.work)
app.command(name="pass")(passing.look_at_all)
app.command()(watch.watch)
app.command()(handoffs.handoffs)
app.add_typer(points.app)
app.add_typer(keys.app)
app.add_typer(store.app)
app.add_typer(platforms.app)
app.add_typer(subscribers.app)
app.command()(ui.ui)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
