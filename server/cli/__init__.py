"""The shell: `fieldgate COMMAND`. Each command is in a module of its own, and only the asked one is imported.

Exit status: 0 done, 1 refused (one sentence and a next step), 2 wrong usage. `--json` gives every command a stable
machine-readable output on stdout.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, NoReturn

import typer

from schema.errors import FieldgateError
from server.cli.output import print_refusal

COMMANDS = {
    "migrate": "server.cli.migrate:migrate",
    "demo": "server.cli.demo:app",
    "serve": "server.cli.serve:serve",
    "school": "server.cli.school:app",
    "sync": "server.cli.sync:app",
    "app": "server.cli.app:app",
    "grant": "server.cli.consent:grant",
    "revoke": "server.cli.consent:revoke",
    "grants": "server.cli.consent:grants",
    "staff": "server.cli.staff:app",
    "access": "server.cli.access:app",
    "contact": "server.cli.contact:app",
    "scopes": "server.cli.catalogue:scopes",
    "schema": "server.cli.catalogue:schema",
}
"""Command → where it is: a function, or a `typer.Typer` with commands of its own."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        application(given)(args=given, prog_name="fieldgate")
    except FieldgateError as refusal:
        # Every command has the flag, and no option takes its name as a value: it can be looked for before parsing.
        print_refusal(refusal, as_json="--json" in given)
        sys.exit(1)
    sys.exit(0)


def application(given: Sequence[str]) -> typer.Typer:
    """The application with the command that was asked for; with all of them where none is, for `--help`."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(fieldgate)
    for name in [given[0]] if given and given[0] in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        if find_spec(module) is None:
            continue
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("fieldgate"))
        except PackageNotFoundError:  # run from a checkout that is not installed
            print("0+source")
        raise typer.Exit


def fieldgate(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Give apps exactly the school data that each school granted."""
