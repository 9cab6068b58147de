"""`dlm-fill`: filling is the default; other commands are loaded only when called for."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from lsp_server.cli.interrupt import INTERRUPTED, leave_quietly
from lsp_server.cli.names import COMMANDS
from lsp_server.commands import load
from lsp_server.errors import InputError
from lsp_server.streams import stand_in_for_closed_streams
from model.errors import ModelError
from model.extras import extra_of
from model.threads import wait_asleep
from model.types import Fill, Filler, Hole

FILL = "lsp_server.cli.options:main"
EVALUATIONS = {"manners": "model.lab.manners.eval_manners:main", "languages": "model.lab.eval.languages:main"}
"""What follows `dlm-fill eval`, and where it is found."""
REFACTOR = "lsp_server.bench.refactor.eval_refactor:main"
FILLED = "lsp_server.bench.filled.eval_filled:main"  # with --model: what it makes of the holes
BAD_INPUT, CRASHED = 2, 70
_OUTPUT_FAILED = frozenset((errno.ENOSPC, errno.EBADF, errno.EIO, errno.EDQUOT, errno.EFBIG))


def main() -> None:
    """Run the command line and leave the process with its exit code, errors being one line on stderr."""
    stand_in_for_closed_streams()
    quietly = signal.getsignal(signal.SIGINT) is leave_quietly
    if quietly and sys.argv[1:2] != ["lsp"]:  # a language server has nothing to tidy up: see `start`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = _flushed(run(sys.argv[1:]))
    if quietly:
        signal.signal(signal.SIGINT, leave_quietly)
    if code == INTERRUPTED:  # a half-loaded runtime in another thread may not survive an orderly exit
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """The exit code of `dlm-fill ARGS`: what is not a command's name is a target to fill."""
    brought: object = None
    place, name = FILL, "dlm-fill"
    wait_asleep()
    try:
        if args and args[0] == "eval" and args[1:2] and args[1] in EVALUATIONS:
            from lsp_server.bench import served

            place, name, brought, args = EVALUATIONS[args[1]], f"{name} eval {args[1]}", served, args[2:]
        elif list(args[:2]) == ["eval", "refactor"]:
            fills = any(arg.partition("=")[0] == "--model" for arg in args)
            place, name, args = FILLED if fills else REFACTOR, f"{name} eval refactor", args[2:]
        elif args and args[0] in COMMANDS:
            brought = {"tune": _gate, "eval": _serve}.get(args[0])
            place, name, args = COMMANDS[args[0]][0], f"{name} {args[0]}", args[1:]
        result = load(place).main(list(args), prog_name=name, standalone_mode=False, obj=brought)
    except click.exceptions.Exit as done:
        return done.exit_code
    except SystemExit:
        if not hasattr(sys.stdout, "wrapped"):
            raise
        return _explained(BrokenPipeError())  # click wraps the stream whose reader has left, and exits with 1
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  Python's own exit code would say "no acceptable fill"
        return _explained(error)
    return result if isinstance(result, int) else 0


def _explained(error: BaseException) -> int:
    """The exit code for an error, which is told in a line; what nobody expected is a defect of ours."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, click.ClickException | InputError | ModelError):
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"dlm-fill: {' '.join(message.split())}", err=True)
        return BAD_INPUT
    if isinstance(error, ModuleNotFoundError) and (extra := extra_of(error)) is not None:
        click.echo(f"dlm-fill: this needs {error.name}: pip install 'dlm-fill[{extra}]'", err=True)
        return BAD_INPUT
    if isinstance(error, BrokenPipeError):  # the reader of our output has seen enough
        _give_up_output()
        return 0
    if isinstance(error, OSError) and error.errno in _OUTPUT_FAILED and error.filename is None:
        return _unwritable(error)
    return _defect()


def _defect() -> int:
    traceback.print_exc()
    click.echo("dlm-fill: this is a defect of dlm-fill; please report it with the lines above", err=True)
    return CRASHED


def _unwritable(error: OSError) -> int:
    """The exit code when standard output takes nothing; what it still holds is given up."""
    _give_up_output()
    click.echo(f"dlm-fill: standard output cannot be written ({error.strerror}); send it elsewhere", err=True)
    return BAD_INPUT


def _flushed(code: int) -> int:
    """The exit code once everything was written: what fails here would fail while Python ends, with a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_output()
    except OSError as error:
        return _unwritable(error)
    return code


def _give_up_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _gate(folder: Path) -> Callable[[Path], bool]:
    """Tells which files below `folder` a model may see: for commands of model/, which knows no such rules."""
    from lsp_server.workspace.exclusions import Exclusions

    exclusions = Exclusions((folder,))
    return lambda path: exclusions.excluded(path) is None


def _serve(filler: Filler, prefix: str, suffix: str, hole: Hole, *, language: str = "python") -> Fill:
    """What editors and the command line would fill the hole of a file with: for `dlm-fill eval`."""
    from lsp_server.bench.served import serve

    return serve(filler, prefix, suffix, hole, language=language)


if __name__ == "__main__":
    main()
