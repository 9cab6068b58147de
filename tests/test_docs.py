"""The pages: links lead somewhere, and what they name is there. (`make docs` builds the site, which checks links again.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hatch_build import description
from lsp_server.cli.names import COMMANDS
from lsp_server.cli.options import main
from lsp_server.commands import load

ROOT = Path(__file__).parent.parent
AT_THE_ROOT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*AT_THE_ROOT, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "editors").glob("*/README.md"))]
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    return tuple(token for block in blocks for token in (block, *(block.children or ())))


def targets(page: Path) -> Iterator[str]:
    """Where the page's links and pictures lead, as written, but for other hosts."""
    for token in tokens(page):
        found = token.attrs.get("href") or token.attrs.get("src")
        if isinstance(found, str) and not ELSEWHERE.match(found):
            yield found


def slugs(page: Path) -> set[str]:
    """The anchors of the page's headings that hold on the site (Python-Markdown) and in a forge's view (GitHub), alike."""
    headings = [
        after.content
        for token, after in zip(tokens(page), tokens(page)[1:], strict=False)
        if token.type == "heading_open"
    ]
    plain = [re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"[-\s]+", "-", text) for text in plain} & {text.replace(" ", "-") for text in plain}


def leads_nowhere(page: Path, target: str) -> str:
    """Why a link leads nowhere; "" if it leads somewhere."""
    place, _, anchor = unquote(target).partition("#")
    file = (page.parent / place).resolve() if place else page
    if not file.exists():
        return f"{target}: there is no {file}"
    if anchor and anchor not in slugs(file):
        return f"{target}: no heading is called so in {file.name}; there are {', '.join(sorted(slugs(file)))}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [why for target in targets(page) if (why := leads_nowhere(page, target))] == []


@pytest.mark.parametrize("page", [p for p in PAGES if p.is_relative_to(ROOT / "docs")], ids=lambda page: page.name)
def test_pages_of_the_site_link_to_pages_of_the_site(page: Path) -> None:
    """A link out of docs/ would lead nowhere on the site."""
    places = [(page.parent / target.partition("#")[0]).resolve() for target in targets(page)]
    assert [str(place) for place in places if not place.is_relative_to(ROOT / "docs")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_table_has_a_bar_in_code(page: Path) -> None:
    """Escaped, it has a backslash on the site; not escaped, it ends the cell in a forge's view."""
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("|")]
    assert [row for row in rows if re.search(r"`[^`]*\\\|[^`]*`", row)] == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `b` – c\n\n## d e\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md#d-e) [b](there.md#d) [c](gone.md) ![d](gone.png)\n\n| [e](gone.md#x) |\n|---|\n\n`[f](no.md)`\n"
    )
    assert [target for target in targets(page) if leads_nowhere(page, target)] == [
        "there.md#d",
        "gone.md",
        "gone.png",
        "gone.md#x",
    ]
    assert slugs(tmp_path / "there.md") == {"d-e"}, "the two views disagree about the first"


def test_the_guide_has_all_options_and_commands() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text("utf-8")
    with click.Context(main) as context:
        options = [name for option in main.get_params(context) for name in option.opts + option.secondary_opts]
    missing = [name for name in options if name.startswith("--") and name != "--cross-file" and f"`{name}" not in guide]
    assert missing == [], "--cross-file is the default, so its opposite is told"
    assert [name for name in COMMANDS if f"`dlm-fill {name}" not in guide] == []


@pytest.mark.parametrize(
    ("group", "page"), [("bench", "guide"), ("bench", "evaluation"), ("train", "models"), ("serve", "serve")]
)
def test_pages_name_the_commands_of_a_command(group: str, page: str) -> None:
    main = load(COMMANDS[group][0])
    assert isinstance(main, click.Group)
    with click.Context(main) as context:
        names = main.list_commands(context)
    assert names
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    assert [name for name in names if not re.search(rf"\b{group} {name}\b|, `{name}`", text)] == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_paths_that_pages_name_are_there(name: str) -> None:
    named = re.findall(r"`((?:lsp_server|model|tests|editors)/[\w./-]+)`", (ROOT / name).read_text("utf-8"))
    assert len(named) > 10
    built = "editors/vscode/dist/"
    assert [path for path in named if not (ROOT / path).exists() and not path.startswith(built)] == []


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_names_that_pages_place_are_defined_there(name: str) -> None:
    """Rows such as | … | `model/infill/decoding/diffusion.py`: `Meter` |, and | `Snapshot` | `lsp_server/types.py` | … |."""
    text = (ROOT / name).read_text("utf-8")
    placed = [(path, names) for path, names in re.findall(r"`([\w/]+\.py)`: `(\w+)`", text)]
    placed += [
        (path, name)
        for names, path in re.findall(r"^\| (`.+?`) \| `([\w/]+\.py)` \|", text, re.MULTILINE)
        for name in re.findall(r"\w+", names)
    ]
    assert len(placed) >= 9
    missing = [
        f"{path}: {name}"
        for path, name in placed
        if not re.search(rf"^(?:class|def) {name}\b", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_a_package_index_shows_the_readme_without_what_it_lacks() -> None:
    readme = "<!-- a -->\n# A\n\n![b](c.png)<br>\nd\n\n[e](f.md#g), [h](https://i)\n\n```\nx[0](1)\n```\n- **[j](k.md)**: l\n"
    assert description(readme) == "# A\n\ne, [h](https://i)\n\n```\nx[0](1)\n```\n- **j**: l\n"
    shown = description((ROOT / "README.md").read_text("utf-8"))
    assert not re.search(r"\]\((?!https?:)|<!--|<br>", shown)


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog 1.1.0: versions, in each the kinds of changes, and a line for each change."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^(##+) (.+)$", text, re.MULTILINE)
    versions = [name for level, name in headings if level == "##"]
    assert versions[0] == "Unreleased"
    assert all(re.fullmatch(r"\[?\d+\.\d+\.\d+\]? - \d{4}-\d\d-\d\d", name) for name in versions[1:])
    kinds = [name for level, name in headings if level == "###"]
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    sorted_in = text.partition("\n### ")[2]
    assert re.findall(r"^ +.*", sorted_in, re.MULTILINE) == [], "these lines go on: a merge may have brought them back"
