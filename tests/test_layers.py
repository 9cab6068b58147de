"""The rules that keep the two halves apart (who may import whom), checked on the sources and on a running Python."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(p.relative_to(ROOT) for part in ("lsp_server", "model") for p in (ROOT / part).rglob("*.py"))
MODEL_SEAMS = {
    "model.types",
    "model.errors",
    "model.filler",
    "model.pairs",
    "model.text",
    "model.extras",
    "model.threads",
    "model.machine",
    "model.measuring",
}
LSP = {"pygls", "lsprotocol"}
FLOORS = {
    "model": [
        "text pairs canvas errors threads measuring",
        "types backend extras",
        "infill",
        "backends",
        "filler machine",
        "lab",
    ],
    "lsp_server": [
        "types errors status streams commands",
        "code transport",
        "workspace postprocess",
        "documents configuration",
        "session window feedback",
        "pipeline",
        "transforms",
        "suggestions",
        "diagnostics",
        "handlers serve",
        "server",
        "bench",
        "cli",
    ],
}
"""From the ground up: what stands on a floor imports floors below, and nothing of its own floor or above."""


def imports_of(source: str, package: str) -> Iterator[str]:
    """Every module that `source` imports when it runs, at the top or inside functions; not what only type checkers read.

    `from a import b` yields `a` and `a.b`, for `b` may be a module. Relative imports are resolved within `package`.
    """
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*up, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{name.name}" for name in node.names)
        waiting += ast.iter_child_nodes(node)


@functools.cache
def imports(path: Path) -> set[str]:
    return set(imports_of((ROOT / path).read_text("utf-8"), ".".join(path.parent.parts)))


def reaches(imported: set[str], *packages: str) -> set[str]:
    return {name for name in imported if any(name == p or name.startswith(f"{p}.") for p in packages)}


def inside(path: Path, *folders: str) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def test_the_walk_sees_every_way_to_import() -> None:
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hidden\nelse:\n    import shown\n"
        "def f():\n    from . import near\n    from ..up import thing\n    import a.b as c\n"
    )
    found = set(imports_of(source, "top.middle"))
    assert {"shown", "top.middle.near", "top.up", "top.up.thing", "a.b"} <= found
    assert "hidden" not in found


def test_the_walk_finds_the_sources() -> None:
    assert Path("lsp_server/pipeline.py") in SOURCES
    assert Path("model/types.py") in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_layers(path: Path) -> None:
    imported = imports(path)
    if inside(path, "model"):
        syntax = {n for n in imported if n.split(".")[0].startswith("tree_sitter")}
        assert not reaches(imported, "lsp_server", *LSP) | syntax, "model/ knows no editor and no syntax tree"
    else:
        ours = {n for n in reaches(imported, "model") if ".".join(n.split(".")[:2]) not in MODEL_SEAMS | {"model"}}
        assert not ours, "lsp_server/ reaches the model only through its types, errors and filler"
        assert not reaches(imported, "torch", "numpy", "tokenizers", "tiktoken", "safetensors"), (
            "tensors stay in model/"
        )
    if not inside(path, "lsp_server/code"):
        assert not {n for n in imported if n.split(".")[0].startswith("tree_sitter")}, "only code/ touches tree-sitter"
    if not inside(path, "lsp_server/handlers", "lsp_server/server.py"):
        assert not reaches(imported, "lsprotocol"), "only handlers/ and server.py touch lsprotocol"
    if inside(path, "model/infill/decoding/samplers"):
        assert not reaches(imported, "model.backends.published", "torch"), "samplers know no checkpoint and no tensor"
    if inside(path, "model/backends/published"):
        assert not reaches(imported, "model.infill.decoding.samplers"), "checkpoints know no sampler"
    if not inside(path, "model/lab"):
        assert not reaches(imported, "model.lab"), "only the command line calls model/lab, by name"


@functools.cache
def folders() -> dict[str, dict[str, set[str]]]:
    """For each folder, what its entries (files and folders, each folder as a whole) import of one another.

    A module that only exists in a name such as `a.b.CONSTANT` is resolved to `a.b`.
    """
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in SOURCES}
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in SOURCES:
        here = path.with_suffix("").parts
        for name in imports(path):
            there = tuple((name if name in modules else name.rpartition(".")[0]).split("."))
            common = next((i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
            if common and ".".join(there) in modules:
                found[".".join(here[:common])][here[common]].add(there[common])
    return found


@pytest.mark.parametrize("folder", sorted(folders()))
def test_no_circle_between_the_entries_of_a_folder(folder: str) -> None:
    """Neither between files nor between folders: so each can be read knowing only what it stands on."""
    graphlib.TopologicalSorter(folders()[folder]).prepare()


def test_a_circle_would_be_found() -> None:
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({"a": {"b"}, "b": {"c"}, "c": {"a"}}).prepare()
    assert {"infill", "backends"} <= folders()["model"].keys()
    assert "pipeline" in folders()["lsp_server"]["transforms"]


@pytest.mark.parametrize("half", FLOORS)
def test_floors(half: str) -> None:
    floor = {name: number for number, names in enumerate(FLOORS[half]) for name in names.split()}
    entries = {path.parts[1].removesuffix(".py") for path in SOURCES if path.parts[0] == half} - {"__init__"}
    assert entries == floor.keys(), "each entry has its floor"
    up = {(a, b) for a, below in folders()[half].items() for b in below - {"__init__"} if floor[b] >= floor[a]}
    assert not up, "a floor imports what is below it"


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_modules_that_docstrings_and_comments_name_are_there(path: Path) -> None:
    named = re.findall(r"`((?:lsp_server|model(?!\.layers))(?:\.[a-z_0-9]+)+)", (ROOT / path).read_text("utf-8"))
    modules = {".".join(source.with_suffix("").parts).removesuffix(".__init__") for source in SOURCES}
    assert [name for name in named if name not in modules and name.rpartition(".")[0] not in modules] == []


def test_a_name_means_one_thing() -> None:
    """No two public classes of one name, and no module named after what a dozen others are, too."""
    homes: dict[str, list[Path]] = defaultdict(list)
    for path in SOURCES:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(path)
    assert homes["Hypothesis"]
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
    assert [path for path in SOURCES if path.stem in {"command", "utils", "helpers", "manager"}] == []


@pytest.mark.parametrize("path", [p for p in SOURCES if p != Path("model/text.py")], ids=str)
def test_line_ends_change_in_one_place(path: Path) -> None:
    """Whoever needs other line ends takes `PlainText`, so that no way into the engine can forget one of them."""
    calls = [n for n in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))) if isinstance(n, ast.Call)]
    replaced = [
        n.lineno
        for n in calls
        if isinstance(n.func, ast.Attribute)
        and n.func.attr in {"replace", "sub"}
        and any(isinstance(a, ast.Constant) and isinstance(a.value, str) and "\r" in a.value for a in n.args)
    ]
    assert not replaced


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_state_in_modules(path: Path) -> None:
    """No `global`, and no empty container at the top of a module, waiting to be filled."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Global)]
    values = [n.value for n in tree.body if isinstance(n, ast.Assign | ast.AnnAssign) and n.value is not None]
    empty = [v.lineno for v in values if ast.unparse(v) in {"[]", "{}", "set()", "dict()", "list()"}]
    assert not empty


@pytest.mark.parametrize(
    "module",
    [
        "lsp_server.cli.main",
        "lsp_server.cli.options",
        "lsp_server.cli.fill",
        "lsp_server.server",
        "lsp_server.pipeline",
    ],
)
def test_starting_imports_no_tensor_library(module: str) -> None:
    heavy = ("torch", "numpy", "transformers")
    code = f"import sys, {module}; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_help_imports_nothing_it_does_not_need() -> None:
    code = (
        "import sys; from lsp_server.cli.main import run; run(['--help']);"
        "print(*(n for n in ('rich', 'tree_sitter', 'pygls', 'lsprotocol', 'torch', 'numpy') if n in sys.modules),"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == []
    assert "FILE:A-B" in done.stdout
