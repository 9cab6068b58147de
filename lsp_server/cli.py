"""`dlm-fill`: filling is the default; other commands are loaded only when called for."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click

from lsp_server.errors import InputError
from model.errors import ModelError

BAD_INPUT, CRASHED, INTERRUPTED = 2, 70, 130
DEVICES = click.Choice(["auto", "cpu", "cuda", "mps"])

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "lsp": ("lsp_server.cli:lsp", "Serve editors: a language server over standard input and output."),
    "settings": (
        "lsp_server.configuration.command:main",
        "List the settings of the language server, or their JSON schema.",
    ),
    "train": ("model.train.command:main", "Train a model from source code."),
    "tune": ("model.train.tune.command:main", "Continue the model on your own code, and keep it if that helped."),
    "eval": ("model.evaluate.command:main", "Measure the quality of fills on held-out code."),
    "stats": ("lsp_server.feedback.report:main", "Tell what became of suggestions in editors, on this machine."),
    "models": ("model.hub.command:main", "List the models there are, and fetch one."),
    "doctor": ("lsp_server.command_line.doctor:main", "Tell what this machine has for models, and what it lacks."),
    "bench": (
        "lsp_server.cli:bench",
        "Measure speed: `bench cut`, `bench server`, `bench fill`, `bench engine`, `bench gpu`, `bench drift`.",
    ),
}
_BENCHES: Mapping[str, tuple[str, str]] = {
    "cut": ("lsp_server.bench.cut:main", "Cutting and incremental parsing; needs no model."),
    "server": ("lsp_server.bench.server:main", "From keystroke to suggestion in a running language server."),
    "fill": ("model.evaluate.bench_fill:main", "Filling from start to end, cold and warm."),
    "engine": ("model.evaluate.bench_engine.command:main", "The engine against other ways to run the same weights."),
    "gpu": ("model.evaluate.bench_gpu.command:main", "Published shapes with random weights against the GPU's floors."),
    "drift": ("model.evaluate.bench_drift:main", "What a stale context cache does to a published checkpoint."),
}


class FillBesideCommands(click.Command):
    """The default command, whose help names the others. `-:3-5` is a target (standard input), not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # No argument can hold a NUL, so a word that begins with one is surely ours.
        return super().parse_args(ctx, [f"\0{word}" if word.startswith("-:") else word for word in args])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Other commands (each has its own --help)"):
            formatter.write_dl([(f"dlm-fill {name}", text) for name, (_, text) in _COMMANDS.items()])
        super().format_epilog(ctx, formatter)


class LazyGroup(click.Group):
    """Subcommands by name; their modules are imported when they are called, not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_BENCHES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return _load(_BENCHES[cmd_name][0]) if cmd_name in _BENCHES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _BENCHES.items()])


def _length(ctx: click.Context, param: click.Parameter, value: str) -> int | None:  # noqa: ARG001
    """`auto` (the model chooses) or a number of tokens."""
    if value == "auto":
        return None
    if not value.isdecimal() or not int(value):
        raise click.BadParameter(f"{value!r} is neither 'auto' nor a number of tokens from 1")
    return int(value)


def _port(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:  # noqa: ARG001
    """The port of 127.0.0.1:PORT; no other machine may reach the server, which trusts its client."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise click.BadParameter(f"{value!r} is not 127.0.0.1:PORT, with a port from 1 to 65535")
    return int(port)


@click.command(
    cls=FillBesideCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 filled, 1 nothing acceptable found, 2 bad input, 70 a defect, 130 interrupted.",
)
@click.argument("targets", nargs=-1, metavar="FILE:RANGE...")
@click.option("--write", is_flag=True, help="Put the fill into the file (for -: print the whole filled text).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a diff.")
@click.option(
    "--candidates",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    metavar="N",
    help="How many different fills to make; the first is the best.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="The same seed gives the same fills.",
)
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option(
    "--revision",
    default=None,
    metavar="COMMIT",
    help="Of a model on the hub: its branch, tag or commit (as ORG/NAME@COMMIT).",
)
@click.option("--offline", is_flag=True, help="Fetch no model from the hub.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option(
    "--max-time",
    type=click.FloatRange(0, min_open=True),
    default=None,
    metavar="SECONDS",
    help="Stop denoising after so long, per file, and take the best so far (loading the model not counted).",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="Denoise in so many steps (with the sampler low_confidence).",
)
@click.option(
    "--length",
    callback=_length,
    default="auto",
    show_default=True,
    metavar="auto|N",
    help="Tokens in each gap; auto: the model chooses.",
)
@click.option(
    "--sampler",
    default="auto",
    show_default=True,
    metavar="SPEC",
    help="Which places to decide in a step: threshold, entropy_bound(0.2), low_confidence, margin, one_at_a_time,"
    " left_to_right; around any of them blocks(SPEC, size=16), reopening(SPEC), drawn(SPEC, top_p=0.9).",
)
@click.option(
    "--context-refresh",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Published bidirectional models: read the context anew in every Nth pass (1 is exact, more is faster).",
)
@click.option(
    "--trace",
    default=None,
    metavar="FILE.html",
    help="Also write a page that plays how the fill came about, step by step.",
)
@click.version_option(package_name="dlm-fill", prog_name="dlm-fill")
def cli(targets: tuple[str, ...], **wish: Any) -> int:
    # \b (a real backspace on a line of its own) keeps click from wrapping the paragraph below it.
    """Fill gaps in code with a diffusion language model, and show the change as a diff.

    \b
    FILE:A-B       replace lines A to B (counted from 1, both included)
    FILE:A         replace one line
    FILE:A+        new lines after line A (0+: above the first)
    FILE:A:C-B:D   from line A, column C up to but not including line B, column D
    -:A-B          the same in standard input

    Several ranges of one file are filled together, each seeing the others.
    """  # noqa: D301
    return _fill(tuple(target.removeprefix("\0") for target in targets), **wish)


def _fill(
    targets: tuple[str, ...],
    *,
    write: bool,
    as_json: bool,
    candidates: int,
    seed: int,
    model: str,
    revision: str | None,
    offline: bool,
    device: str,
    max_time: float | None,
    steps: int | None,
    length: int | None,
    sampler: str,
    context_refresh: int,
    trace: str | None,
) -> int:
    if not targets:
        raise click.UsageError("name what to fill, for example: dlm-fill FILE:3-5 (all ways: dlm-fill --help)")
    # The model's threads wait in sleep, not in a loop: on a busy machine that is worth a factor of ten.
    # Only the environment reaches the runtime, and only before it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from lsp_server.command_line.fill import Wish, fill
    from lsp_server.settings import FillOptions

    options = FillOptions(
        candidates=candidates,
        seed=seed,
        sampler=sampler,
        steps=steps,
        length_tokens=length,
        max_time_s=max_time,
        trace=trace is not None,
    )
    return fill(
        Wish(
            targets=targets,
            options=options,
            model=f"{model}@{revision}" if revision else model,
            device=device,
            write=write,
            json=as_json,
            trace=trace,
            offline=offline,
            context_refresh=context_refresh,
        )
    )


@click.command()
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option(
    "--tcp",
    "tcp_port",
    callback=_port,
    default=None,
    metavar="127.0.0.1:PORT",
    help="Serve one client on this port instead, to debug.",
)
def lsp(model: str, device: str, tcp_port: int | None) -> None:
    """Serve editors: a language server over standard input and output."""
    from lsp_server import server

    server.main(model=model, device=device, tcp_port=tcp_port)


@click.command(cls=LazyGroup)
def bench() -> None:
    """Measure speed. The last line of each is JSON."""


def main() -> None:
    """Run the command line and leave the process with its exit code, errors being one line on stderr."""
    code = run(sys.argv[1:])
    if code == INTERRUPTED:  # a half-loaded runtime in another thread may not survive an orderly exit
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """The exit code of `dlm-fill ARGS`: what is not a command's name is a target to fill."""
    command: click.Command = cli
    name = "dlm-fill"
    try:
        if args and args[0] in _COMMANDS:
            command, name, args = _load(_COMMANDS[args[0]][0]), f"{name} {args[0]}", args[1:]
        result = command.main(list(args), prog_name=name, standalone_mode=False)
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


def _load(place: str) -> click.Command:
    """The command at "module:name"."""
    module, name = place.split(":")
    command = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command), f"{place} is no click command"
    return command


if __name__ == "__main__":
    main()
