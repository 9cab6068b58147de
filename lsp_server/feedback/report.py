"""`dlm-fill stats`: what was counted on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import click

from lsp_server.feedback.metrics import DROPPED, latency_ms
from lsp_server.feedback.store import KEPT_DAYS, read, state_file


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--days", type=click.IntRange(1, KEPT_DAYS), default=30, show_default=True, help="How far to look back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(days: int, as_json: bool) -> None:
    """Tell how often suggestions came in editors, how fast, and what became of them and of fills.

    These counts never leave this machine, and hold no text of yours.
    """
    try:
        path = state_file()
        counts = read(path=path, since=today() - timedelta(days=days - 1))
    except OSError as error:
        raise click.ClickException(str(error)) from error
    summary = summary_of(counts)
    if as_json:
        click.echo(json.dumps({"days": days, "file": str(path), **summary}))
    elif not counts:
        click.echo(f"nothing counted in {days} days: suggestions and fills in editors are counted, by `dlm-fill lsp`")
    else:
        click.echo(_table(summary))


def today() -> date:
    """The day in UTC, by which counts are kept."""
    return datetime.now(tz=UTC).date()


def summary_of(counts: Mapping[str, int]) -> dict[str, object]:
    """The figures, by the names that `--json` gives them. Shares are 0 to 1; None where nothing was counted."""

    def share(part: str, whole: str) -> float | None:
        return round(counts.get(part, 0) / counts[whole], 3) if counts.get(whole) else None

    dropped = {name.removeprefix(DROPPED): value for name, value in counts.items() if name.startswith(DROPPED)}
    return {
        "requests": counts.get("requests", 0),
        "suggested": counts.get("suggested", 0),
        "from_cache": counts.get("answered from the cache", 0),
        "latency_p50_ms": latency_ms(counts, 0.5),
        "latency_p95_ms": latency_ms(counts, 0.95),
        "shown": counts.get("shown", 0),
        "shown_characters": counts.get("shown characters", 0),
        "accepted": counts.get("accepted", 0),
        "accepted_characters": counts.get("accepted characters", 0),
        "rejected": counts.get("rejected", 0),
        "accepted_share": share("accepted", "shown"),
        "characters_still_there_after_30_s": counts.get("characters still there", 0),
        "still_there_share": share("characters still there", "checked characters"),
        "cancelled": counts.get("cancelled", 0),
        "fills_applied": counts.get("fills applied", 0),
        "fills_sent_again": counts.get("fills sent again", 0),
        "fills_not_applied": counts.get("fills not applied", 0),
        "dropped": dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0]))),
    }


def _table(summary: Mapping[str, object]) -> str:
    rows = [(name.replace("_", " "), value) for name, value in summary.items() if name != "dropped"]
    dropped = summary["dropped"]
    assert isinstance(dropped, dict)
    rows += [(f"dropped: {reason}", value) for reason, value in dropped.items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {'–' if value is None else value}" for name, value in rows)
