"""`dlm-fill refactor NAME FILE:RANGE`: the options."""

from __future__ import annotations

from typing import Any

import click

from lsp_server.cli import request_options


@click.command(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 refactored, 1 nothing acceptable found, 2 refused or bad input, 70 a defect, 130 interrupted.",
)
@click.argument("refactoring", metavar="[NAME]", required=False)
@click.argument("target", metavar="FILE:RANGE", required=False)
@click.option("--list", "listing", is_flag=True, help="List what is possible at FILE:RANGE; without it, all there is.")
@click.option("--name", "new_name", metavar="NAME", help="The new name, so that no model is asked for it.")
@click.option(
    "--in-this-file", "only_here", flag_value="yes", help="Rename also what other files may use, in this one alone."
)
@click.option("--message", metavar="TEXT", help="For repair: what another tool says of the place.")
@click.option("--write", is_flag=True, help="Change the file, too (for -: print the whole text instead of a diff).")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a diff.")
@request_options.candidates
@click.option("--min-confidence", type=click.FloatRange(0, 1), metavar="SHARE",
              help="Write only what the model gives so much to be right (by default repair asks for some).")  # fmt: skip
@request_options.seed
@request_options.model
@request_options.offline
@request_options.device
@request_options.max_time
def main(
    refactoring: str | None, target: str | None, **wish: Any
) -> int:  # by the names of FillOptions and RefactoringWish
    # \b (a real backspace on a line of its own) keeps click from wrapping the paragraph below it.
    """Refactor code, and show the change as a diff. What only a model can say (a name, a sentence), the model fills in.

    \b
    FILE:LINE:COL  a place, such as a name's (counted from 1)
    FILE:A-B       lines A to B
    FILE:A:C-B:D   from line A, column C up to but not including line B, column D
    -:A-B          the same in standard input

    The changed file parses where it parsed before; else nothing is changed, and the reason is told.

    `suspicious` changes nothing: it lists words that the model finds improbable, and what it would rather read there.
    """  # noqa: D301
    from lsp_server.cli.refactoring import run, suspicious
    from lsp_server.transforms.suspicious.suspicions import NAME

    if wish.pop("listing"):
        if target is not None:
            raise click.UsageError(f"--list tells all that is possible: leave out {refactoring}")
        return run.listed(refactoring, as_json=wish["json"])
    if refactoring is None or target is None:
        raise click.UsageError(
            "name what to do, and where: dlm-fill refactor rename FILE:LINE:COL --name NEW (all there is: --list)"
        )
    said = {"name": wish.pop("new_name"), "in-this-file": wish.pop("only_here"), "message": wish.pop("message")}
    asked = run.RefactoringWish(
        name=refactoring,
        target=target,
        answers={key: answer for key, answer in said.items() if answer is not None},
        options=request_options.taken_from(wish),
        **wish,
    )
    return suspicious.suspicious(asked) if refactoring == NAME else run.refactor(asked)
