"""`dlm-fill refactor NAME FILE:RANGE`: the options."""

from __future__ import annotations

from typing import Any

import click

from lsp_server.commands import DEVICES


@click.command(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 refactored, 1 nothing acceptable found, 2 refused or bad input, 70 a defect, 130 interrupted.",
)
@click.argument("refactoring", metavar="[NAME]", required=False)
@click.argument("target", metavar="FILE:RANGE", required=False)
@click.option("--list", "listing", is_flag=True, help="List what is possible at FILE:RANGE; without it, all there is.")
@click.option("--name", "new_name", metavar="NAME", help="The new name, so that no model is asked for it.")
@click.option(
    "--in-this-file", "only_here", is_flag=True, help="Rename also what other files may use, in this one alone."
)
@click.option("--message", metavar="TEXT", help="For repair: what another tool says of the place.")
@click.option("--write", is_flag=True, help="Change the file, too (for -: print the whole text instead of a diff).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a diff.")
@click.option("--candidates", type=click.IntRange(1, 32), default=1, show_default=True, metavar="N",
              help="How many different results to ask the model for; the first is the best.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N",
              help="The same seed gives the same result.")  # fmt: skip
@click.option("--model", default="builtin", show_default=True, metavar="NAME_OR_PATH", help="The model.")
@click.option("--offline", is_flag=True, help="Fetch no model from the hub.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where the model runs.")
@click.option("--max-time", "max_time_s", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="Stop denoising after so long, and take the best so far.")  # fmt: skip
def main(refactoring: str | None, target: str | None, **wish: Any) -> int:
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
    return _refactor(refactoring, target, **wish)


def _refactor(
    refactoring: str | None,
    target: str | None,
    *,
    listing: bool,
    new_name: str | None,
    only_here: bool,
    message: str | None,
    write: bool,
    as_json: bool,
    candidates: int,
    seed: int,
    max_time_s: float | None,
    **model: Any,
) -> int:
    from lsp_server.cli.refactoring import run, suspicious
    from lsp_server.settings import FillOptions
    from lsp_server.transforms.suspicious.suspicions import NAME

    if listing:
        if target is not None:
            raise click.UsageError(f"--list tells all that is possible: leave out {refactoring}")
        return run.listed(refactoring, as_json=as_json)
    if refactoring is None or target is None:
        raise click.UsageError(
            "name what to do, and where: dlm-fill refactor rename FILE:LINE:COL --name NEW (all there is: --list)"
        )
    options = FillOptions(candidates=candidates, seed=seed, max_time_s=max_time_s)
    said = {"name": new_name, "in-this-file": "yes" if only_here else None, "message": message}
    answers = {key: answer for key, answer in said.items() if answer is not None}
    wish = run.RefactoringWish(
        name=refactoring, target=target, answers=answers, options=options, write=write, json=as_json, **model
    )
    return suspicious.suspicious(wish) if refactoring == NAME else run.refactor(wish)
