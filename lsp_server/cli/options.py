"""`dlm-fill FILE:RANGE...`: filling, and its options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from lsp_server.cli import request_options
from lsp_server.cli.names import COMMANDS


class FillBesideCommands(click.Command):
    """The default command, whose help names the others. `-:3-5` is a target (standard input), not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # No argument can hold a NUL, so a word that begins with one is surely ours.
        return super().parse_args(ctx, [f"\0{word}" if word.startswith("-:") else word for word in args])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Other commands (each has its own --help)"):
            formatter.write_dl([(f"dlm-fill {name}", text) for name, (_, text) in COMMANDS.items()])
        super().format_epilog(ctx, formatter)


def _length(ctx: click.Context, param: click.Parameter, value: str) -> int | None:  # noqa: ARG001
    """`auto` (the model chooses) or a number of tokens."""
    if value == "auto":
        return None
    if not value.isdecimal() or not int(value):
        raise click.BadParameter(f"{value!r} is neither 'auto' nor a number of tokens from 1")
    return int(value)


@click.command(
    cls=FillBesideCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 filled, 1 nothing acceptable found, 2 bad input, 70 a defect, 130 interrupted.",
)
@click.argument("targets", nargs=-1, metavar="FILE:RANGE...")
@click.option("--write", is_flag=True, help="Put the fill into the file (for -: print the whole filled text).")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a diff.")
@request_options.candidates
@request_options.seed
@request_options.model
@click.option(
    "--revision",
    default=None,
    metavar="COMMIT",
    help="Of a model on the hub: its branch, tag or commit (as ORG/NAME@COMMIT).",
)
@request_options.offline
@request_options.device
@request_options.max_time
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=None,
    metavar="N",
    help="Denoise in so many steps (with the sampler low_confidence).",
)
@click.option(
    "--length",
    "length_tokens",
    callback=_length,
    default="auto",
    show_default=True,
    metavar="auto|N",
    help="Tokens in each gap; auto: the model chooses.",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    metavar="SHARE",
    help="Write so much of the range's old text anew, what the model doubts first; the rest stays.",
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
    "--cross-file/--no-cross-file", default=True, help="Copy from other files of the repository, too (default: yes)."
)
@click.option(
    "--send-other-files",
    "share_other_files",
    is_flag=True,
    help="With a server as the model (http://…): send other files to it, too.",
)
@click.option(
    "--trace",
    "page",
    default=None,
    metavar="FILE.html",
    help="Also write a page that plays how the fill came about, step by step.",
)
@click.version_option(package_name="dlm-fill", prog_name="dlm-fill")
def main(targets: tuple[str, ...], **wish: Any) -> int:  # by the names of FillOptions and Wish
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
    if not targets:
        raise click.UsageError("name what to fill, for example: dlm-fill FILE:3-5 (all ways: dlm-fill --help)")
    from lsp_server.cli.fill import Wish, fill

    options = replace(request_options.taken_from(wish), trace=wish["page"] is not None)
    if revision := wish.pop("revision"):
        wish["model"] = f"{wish['model']}@{revision}"
    return fill(Wish(targets=tuple(target.removeprefix("\0") for target in targets), options=options, **wish))
