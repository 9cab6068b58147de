"""Languages added to the table of `lsp_server.code.languages.table`: some with a grammar, the others known by comments and names alone.

What has no well-kept official wheel has no grammar here: Kotlin's takes sound one-line objects for errors, SQL's knows
few dialects, Svelte's was left in 2024. There brackets are balanced by `lsp_server.code.languages.brackets`, and `parses` is unknown.
"""

from __future__ import annotations

from lsp_server.code.languages.language import Language

_SLASHES = ("/*", "*/")


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SCALA = Language(
    name="scala",
    extensions=(".scala", ".sc", ".sbt"),
    grammar=("tree_sitter_scala", "language"),
    line_comment="//",
    block_comment=_SLASHES,
    functions=_kinds("function_definition function_declaration val_definition"),
    classes=_kinds("class_definition trait_definition object_definition enum_definition"),
    imports=_kinds("package_clause import_declaration"),
    holders=("class X { … }",),
)

_SWIFT = Language(
    name="swift",
    extensions=(".swift",),
    grammar=("tree_sitter_swift", "language"),
    line_comment="//",
    block_comment=_SLASHES,
    functions=_kinds("function_declaration init_declaration protocol_function_declaration property_declaration"),
    classes=_kinds("class_declaration protocol_declaration"),
    imports=_kinds("import_declaration"),
    holders=("class X { … }",),
)

_PAGE = _kinds("element script_element style_element")
_VUE = Language(
    name="vue",
    extensions=(".vue",),
    grammar=("tree_sitter_html", "language"),
    block_comment=("<!--", "-->"),
    classes=_PAGE,
)
_SVELTE = Language(
    name="svelte",
    extensions=(".svelte", ".astro"),
    language_ids=("astro",),
    grammar=("tree_sitter_html", "language"),
    block_comment=("<!--", "-->"),
    classes=_PAGE,
)


def _lexical(
    name: str, extensions: str, *, line: str | None = None, block: tuple[str, str] | None = None,
    filenames: str = "", ids: str = "",
) -> Language:  # fmt: skip
    return Language(
        name=name,
        extensions=tuple(extensions.split()),
        filenames=tuple(filenames.split()),
        language_ids=tuple(ids.split()),
        line_comment=line,
        block_comment=block,
    )


MORE_LANGUAGES: tuple[Language, ...] = (
    _SCALA,
    _SWIFT,
    _VUE,
    _SVELTE,
    _lexical("kotlin", ".kt .kts", line="//", block=_SLASHES),
    _lexical("dart", ".dart", line="//", block=_SLASHES),
    _lexical("groovy", ".groovy .gradle", line="//", block=_SLASHES, filenames="Jenkinsfile"),
    _lexical("zig", ".zig .zon", line="//"),
    _lexical("proto", ".proto", line="//", block=_SLASHES, ids="proto3"),
    _lexical("objective-c", ".m .mm", line="//", block=_SLASHES, ids="objective-cpp"),
    _lexical("sql", ".sql .ddl", line="--", block=_SLASHES, ids="postgres mysql plsql"),
    _lexical("dockerfile", ".dockerfile .containerfile", line="#", filenames="Dockerfile Containerfile"),
    _lexical("make", ".mk .mak", line="#", filenames="Makefile makefile GNUmakefile", ids="makefile"),
    _lexical("cmake", ".cmake", line="#", filenames="CMakeLists.txt"),
    _lexical("terraform", ".tf .tfvars .hcl", line="#", block=_SLASHES, ids="hcl"),
    _lexical("graphql", ".graphql .gql", line="#"),
    _lexical("elixir", ".ex .exs", line="#"),
    _lexical("julia", ".jl", line="#", block=("#=", "=#")),
    _lexical("r", ".r .rmd", line="#"),
    _lexical("perl", ".pl .pm", line="#"),
    _lexical("powershell", ".ps1 .psm1", line="#", block=("<#", "#>")),
    _lexical("nix", ".nix", line="#", block=_SLASHES),
    _lexical("haskell", ".hs", line="--", block=("{-", "-}")),
    _lexical("scss", ".scss", line="//", block=_SLASHES),
    _lexical("less", ".less", line="//", block=_SLASHES),
)
