"""`dlm-fill`: filling is the default; other commands are loaded only when called for."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from lsp_server.command_line.names import COMMANDS, load
from lsp_server.errors import InputError
from model.errors import ModelError
from model.types import Fill, Filler, Hole

FILL = "lsp_server.command_line.options:main"
MANNERS = "model.evaluate.manners:main"
BAD_INPUT, CRASHED, INTERRUPTED = 2, 70, 130


def main() -> None:
    """Run the command line and leave the process with its exit code, errors being one line on stderr."""
    code = run(sys.argv[1:])
    if code == INTERRUPTED:  # a half-loaded runtime in another thread may not survive an orderly exit
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """The exit code of `dlm-fill ARGS`: what is not a command's name is a target to fill."""
    brought: object = None
    place, name = FILL, "dlm-fill"
    try:
        if list(args[:2]) == ["eval", "manners"]:
            from lsp_server.bench import served

            place, name, brought, args = MANNERS, f"{name} eval manners", served, args[2:]
        elif args and args[0] in COMMANDS:
            brought = {"tune": _gate, "eval": _serve}.get(args[0])
            place, name, args = COMMANDS[args[0]][0], f"{name} {args[0]}", args[1:]
        result = load(place).main(list(args), prog_name=name, standalone_mode=False, obj=brought)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.ClickException, InputError, ModelError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"dlm-fill: {' '.join(message.split())}", err=True)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  a defect of ours: Python's own exit code would say "no acceptable fill"
        traceback.print_exc()
        click.echo("dlm-fill: this is a defect of dlm-fill; please report it with the lines above", err=True)
        return CRASHED
    return result if isinstance(result, int) else 0


def _gate(folder: Path) -> Callable[[Path], bool]:
    """Tells which files below `folder` a model may see: for commands of model/, which knows no such rules."""
    from lsp_server.source.exclusions import Exclusions

    exclusions = Exclusions((folder,))
    return lambda path: exclusions.excluded(path) is None


def _serve(filler: Filler, prefix: str, suffix: str, hole: Hole) -> Fill:
    """What editors and the command line would fill the hole of a file with: for `dlm-fill eval`."""
    from lsp_server.bench.served import serve

    return serve(filler, prefix, suffix, hole)


if __name__ == "__main__":
    main()
