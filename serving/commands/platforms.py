"""``readiness platforms``: the documents that platforms are set up with."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="platforms",
    help="Documents to set platforms up with: HubSpot's action, Marketo's flow step, Salesforce's services.",
    no_args_is_help=True,
)

Url = Annotated[
    str,
    typer.Option(
        "--url", envvar="READINESS_PUBLIC_URL", help="How the outside calls the service: https://scores.example.com."
    ),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")]


@app.command("hubspot-action")
def hubspot_action(url: Url, output: Output = None) -> None:
    """The definition of HubSpot's workflow action, to be registered with its automation API."""
    from serving.platforms.hubspot import definition

    _put(definition(_address(url)), output)
    _next("POST it to HubSpot's automation/v4/actions/APP_ID with your developer key, then publish it.")


@app.command("marketo-openapi")
def marketo_openapi(url: Url, output: Output = None) -> None:
    """The document that Marketo installs the flow step from; a running service gives it too."""
    import os

    from serving.platforms.marketo_service import openapi
    from serving.platforms.settings import from_environment

    base = f"{_address(url)}/v1/marketo"
    _put(openapi(base, from_environment(os.environ).support), output)
    _next(f"In Marketo: Admin, Service Providers, add {base}/openapi.json.")


@app.command("salesforce-openapi")
def salesforce_openapi(url: Url, output: Output = None) -> None:
    """The flat operations as OpenAPI 3.0.3, for Salesforce's External Services; a running service gives it too."""
    from serving.app import create_app
    from serving.platforms.openapi30 import down_convert
    from serving.platforms.routes_salesforce import OPERATIONS
    from serving.settings import Settings

    document = create_app(Settings(bundle=Path())).openapi()
    _put(down_convert(document, OPERATIONS, _address(url)), output)
    _next("In Salesforce: make a named credential that sends X-Api-Key, then register this file.")


def _address(url: str) -> str:
    from data.errors import ContractError

    if not url.startswith(("https://", "http://")):
        raise ContractError(f"--url is {url!r}. Expected an address such as https://scores.example.com.")
    return url.rstrip("/")


def _put(value: object, output: Path | None) -> None:
    import json

    from serving.commands import terminal

    if output is None:
        terminal.print_json(value)
        return
    output.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    terminal.say(f"Written to {output}.")


def _next(text: str) -> None:
    from serving.commands import terminal

    terminal.next_step(text)
