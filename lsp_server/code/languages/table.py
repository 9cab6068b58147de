"""The one table of languages: how each is recognised, commented, parsed, and which nodes matter for cutting.

Importing it costs microseconds: grammars are named here and loaded by `parse` on first use.
"""

from __future__ import annotations

from pathlib import PurePath

from lsp_server.code.languages.language import Language
from lsp_server.code.languages.more import MORE_LANGUAGES

__all__ = ["LANGUAGES", "PLAIN", "Language", "by_name", "language_of"]


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


PLAIN = Language(name="plain")

_PYTHON = Language(
    name="python",
    extensions=(".py", ".pyi", ".pyw"),
    filenames=("SConstruct", "SConscript", "wscript"),
    grammar=("tree_sitter_python", "language"),
    line_comment="#",
    functions=_kinds("function_definition"),
    classes=_kinds("class_definition"),
    wrappers=_kinds("decorated_definition"),
    bodies=_kinds("block"),
    imports=_kinds("import_statement import_from_statement future_import_statement"),
    indented=True,
)

_JS_FUNCTIONS = (
    "function_declaration generator_function_declaration method_definition function_expression arrow_function"
)
_JS_WRAPPERS = _kinds(
    "export_statement lexical_declaration variable_declaration expression_statement variable_declarator pair "
    "field_definition assignment_expression"
)

_JAVASCRIPT = Language(
    name="javascript",
    extensions=(".js", ".mjs", ".cjs", ".jsx"),
    language_ids=("javascriptreact",),
    grammar=("tree_sitter_javascript", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds(_JS_FUNCTIONS),
    classes=_kinds("class_declaration class"),
    wrappers=_JS_WRAPPERS,
    imports=_kinds("import_statement"),
    import_calls=("require",),
    holders=("class X { … }", "x = { … }"),
)


def _typescript(name: str, extensions: tuple[str, ...], language_id: str, function: str) -> Language:
    return Language(
        name=name,
        extensions=extensions,
        language_ids=(language_id,),
        grammar=("tree_sitter_typescript", function),
        line_comment="//",
        block_comment=("/*", "*/"),
        functions=_kinds(f"{_JS_FUNCTIONS} function_signature method_signature abstract_method_signature"),
        classes=_kinds(
            "class_declaration class abstract_class_declaration interface_declaration enum_declaration "
            "internal_module module type_alias_declaration"
        ),
        wrappers=_JS_WRAPPERS - {"field_definition"} | _kinds("ambient_declaration public_field_definition"),
        imports=_kinds("import_statement import_alias"),
        import_calls=("require",),
        holders=("class X { … }", "x = { … }"),
    )


_TYPESCRIPT = _typescript("typescript", (".ts", ".mts", ".cts"), "typescript", "language_typescript")
_TSX = _typescript("tsx", (".tsx",), "typescriptreact", "language_tsx")

_GO = Language(
    name="go",
    extensions=(".go",),
    grammar=("tree_sitter_go", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds("function_declaration method_declaration method_elem"),
    classes=_kinds("type_declaration"),
    bodies=_kinds("statement_list"),
    imports=_kinds("package_clause import_declaration"),
    holders=("package p\nfunc f() { … }", "package p\ntype T struct { … }"),
)

_RUST = Language(
    name="rust",
    extensions=(".rs",),
    grammar=("tree_sitter_rust", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds("function_item function_signature_item macro_definition"),
    classes=_kinds("impl_item trait_item struct_item enum_item mod_item union_item"),
    imports=_kinds("use_declaration extern_crate_declaration"),
    holders=("impl X { … }", "fn f() { … }"),
)

_C = Language(
    name="c",
    extensions=(".c", ".h"),
    grammar=("tree_sitter_c", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds("function_definition declaration preproc_function_def"),
    classes=_kinds("struct_specifier union_specifier enum_specifier type_definition"),
    wrappers=_kinds("linkage_specification"),
    imports=_kinds("preproc_include"),
    import_holders=_kinds("preproc_ifdef preproc_if preproc_else preproc_elif"),
    holders=("void f() { … }", "struct x { … };"),
)

_CPP = Language(
    name="cpp",
    extensions=(".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".inl", ".cu", ".cuh"),
    grammar=("tree_sitter_cpp", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds("function_definition declaration field_declaration preproc_function_def"),
    classes=_kinds(
        "class_specifier struct_specifier union_specifier enum_specifier type_definition namespace_definition "
        "concept_definition alias_declaration"
    ),
    wrappers=_kinds("template_declaration linkage_specification"),
    imports=_kinds("preproc_include using_declaration"),
    import_holders=_kinds("preproc_ifdef preproc_if preproc_else preproc_elif"),
    holders=("class X { … };", "void f() { … }"),
)

_JAVA = Language(
    name="java",
    extensions=(".java",),
    grammar=("tree_sitter_java", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds(
        "method_declaration constructor_declaration compact_constructor_declaration "
        "annotation_type_element_declaration field_declaration"
    ),
    classes=_kinds(
        "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"
    ),
    imports=_kinds("package_declaration import_declaration"),
    holders=("class X { … }", "class X { void f() { … } }"),
)

_CSHARP = Language(
    name="csharp",
    extensions=(".cs", ".csx"),
    grammar=("tree_sitter_c_sharp", "language"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds(
        "method_declaration constructor_declaration destructor_declaration property_declaration indexer_declaration "
        "operator_declaration local_function_statement delegate_declaration field_declaration event_field_declaration"
    ),
    classes=_kinds(
        "class_declaration interface_declaration struct_declaration enum_declaration record_declaration namespace_declaration"
    ),
    imports=_kinds("using_directive file_scoped_namespace_declaration"),
    import_holders=_kinds("namespace_declaration declaration_list"),
    holders=("class X { … }",),
)

_RUBY = Language(
    name="ruby",
    extensions=(".rb", ".rake", ".gemspec", ".ru"),
    filenames=("Rakefile", "Gemfile", "Vagrantfile", "Podfile"),
    grammar=("tree_sitter_ruby", "language"),
    line_comment="#",
    block_comment=("=begin", "=end"),
    functions=_kinds("method singleton_method"),
    classes=_kinds("class module singleton_class"),
    bodies=_kinds("body_statement block_body then"),
    import_calls=("require", "require_relative", "load", "autoload"),
    stray_closers=_kinds("end"),
)

_PHP = Language(
    name="php",
    extensions=(".php", ".phtml", ".phps"),
    grammar=("tree_sitter_php", "language_php"),
    line_comment="//",
    block_comment=("/*", "*/"),
    functions=_kinds("function_definition method_declaration property_declaration const_declaration"),
    classes=_kinds("class_declaration interface_declaration trait_declaration enum_declaration namespace_definition"),
    imports=_kinds("php_tag namespace_use_declaration"),
    import_calls=("require", "require_once", "include", "include_once", "namespace"),
    holders=("class X { … }",),
)

_LUA = Language(
    name="lua",
    extensions=(".lua",),
    grammar=("tree_sitter_lua", "language"),
    line_comment="--",
    block_comment=("--[[", "]]"),
    functions=_kinds("function_declaration function_definition"),
    wrappers=_kinds("assignment_statement variable_declaration expression_list"),
    bodies=_kinds("block"),
    import_calls=("require", "dofile"),
)

_BASH = Language(
    name="bash",
    extensions=(".sh", ".bash", ".zsh", ".ksh"),
    filenames=(".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD", "APKBUILD"),
    language_ids=("shellscript", "sh"),
    grammar=("tree_sitter_bash", "language"),
    line_comment="#",
    functions=_kinds("function_definition"),
    import_calls=("source", "."),
)

_HTML = Language(
    name="html",
    extensions=(".html", ".htm", ".xhtml"),
    grammar=("tree_sitter_html", "language"),
    block_comment=("<!--", "-->"),
    classes=_kinds("element script_element style_element"),
)

_CSS = Language(
    name="css",
    extensions=(".css",),
    grammar=("tree_sitter_css", "language"),
    block_comment=("/*", "*/"),
    classes=_kinds("rule_set media_statement supports_statement keyframes_statement at_rule"),
    imports=_kinds("charset_statement import_statement namespace_statement"),
)

_JSON = Language(
    name="json",
    extensions=(".json", ".jsonc", ".geojson", ".webmanifest", ".ipynb"),
    filenames=(".prettierrc", ".babelrc"),
    language_ids=("jsonc",),
    grammar=("tree_sitter_json", "language"),
    classes=_kinds("pair"),
)

_YAML = Language(
    name="yaml",
    extensions=(".yaml", ".yml"),
    filenames=(".clang-format", ".clang-tidy"),
    language_ids=("dockercompose", "github-actions-workflow"),
    grammar=("tree_sitter_yaml", "language"),
    line_comment="#",
    classes=_kinds("block_mapping_pair"),
    bodies=_kinds("block_node block_mapping block_sequence document"),
    indented=True,
)

_TOML = Language(
    name="toml",
    extensions=(".toml",),
    filenames=("Cargo.lock", "poetry.lock", "uv.lock", "Pipfile"),
    grammar=("tree_sitter_toml", "language"),
    line_comment="#",
    classes=_kinds("table table_array_element"),
)

_MARKDOWN = Language(
    name="markdown",
    extensions=(".md", ".markdown", ".mdown"),
    grammar=("tree_sitter_markdown", "language"),
    block_comment=("<!--", "-->"),
    classes=_kinds("section"),
)

LANGUAGES: tuple[Language, ...] = (
    _PYTHON, _JAVASCRIPT, _TYPESCRIPT, _TSX, _GO, _RUST, _C, _CPP, _JAVA, _CSHARP,
    _RUBY, _PHP, _LUA, _BASH, _HTML, _CSS, _JSON, _YAML, _TOML, _MARKDOWN,
    *MORE_LANGUAGES,
)  # fmt: skip


def by_name(name: str) -> Language:
    """The language of that name or LSP language id, in any case; PLAIN when the table has none."""
    wanted = name.lower()
    for language in LANGUAGES:
        if wanted == language.name or wanted in language.language_ids:
            return language
    return PLAIN


def language_of(path: str, language_id: str | None = None) -> Language:
    """The language of a file: by the editor's `language_id` if the table knows it, else by file name, else by extension."""
    if language_id and (named := by_name(language_id)) is not PLAIN:
        return named
    file = PurePath(path.rpartition("/")[2])
    for language in LANGUAGES:
        if file.name in language.filenames:
            return language
    suffix = file.suffix.lower()
    for language in LANGUAGES:
        if suffix in language.extensions:
            return language
    return PLAIN
