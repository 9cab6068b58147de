"""`dlm-fill settings`."""

from __future__ import annotations

import json

import click

from lsp_server.configuration.schema import json_schema, table
from lsp_server.configuration.settings import all_settings


@click.command()
@click.option("--schema", is_flag=True, help="Print their JSON schema, for editors.")
@click.option("--markdown", is_flag=True, help="Print them as a Markdown table, for docs/settings.md.")
def main(*, schema: bool, markdown: bool) -> None:
    """List the settings of the language server, each with its default."""
    if schema or markdown:
        click.echo(json_schema() if schema else table(), nl=False)
        return
    width = max(len(setting.key) for setting in all_settings())
    for setting in all_settings():
        default = setting.unset if setting.default is None else json.dumps(setting.default)
        click.echo(f"{setting.key:{width}}  {setting.text.replace('`', '')} [{default}]")
