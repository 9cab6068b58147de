"""The table of how languages write functions: a row per language, by node kinds and fields of its grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a language writes a function.

    `functions`: kinds that have a body of statements. `blocks`: kinds of such a body. `name`, `parameters`, `returns`:
    fields, looked for below `declarator` too where a language nests its declarators. `parameter_kinds`: what stands
    among the parameters, other children are no parameters. `names`: kinds of a parameter's name. `wrappers`: what
    holds a function as its own: decorators, `export`, a variable that is set to it. `classes`: what holds methods.
    `receivers`: parameters that are the object itself. `raises`: statements that raise, and what follows them names it.
    """

    functions: frozenset[str]
    blocks: frozenset[str]
    returns: str = "return_type"
    parameter_kinds: frozenset[str]
    names: frozenset[str] = frozenset({"identifier"})
    wrappers: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    raises: frozenset[str] = frozenset()


_PYTHON = Form(
    functions=_kinds("function_definition"),
    blocks=_kinds("block"),
    parameter_kinds=_kinds(
        "identifier default_parameter typed_parameter typed_default_parameter list_splat_pattern dictionary_splat_pattern"
    ),
    wrappers=_kinds("decorated_definition"),
    classes=_kinds("class_definition"),
    receivers=_kinds("self cls"),
    raises=_kinds("raise_statement"),
)
_JAVASCRIPT = Form(
    functions=_kinds(
        "function_declaration generator_function_declaration method_definition function_expression arrow_function"
    ),
    blocks=_kinds("statement_block"),
    parameter_kinds=_kinds(
        "identifier assignment_pattern rest_pattern object_pattern array_pattern required_parameter optional_parameter"
    ),
    wrappers=_kinds("export_statement lexical_declaration variable_declaration variable_declarator"),
    classes=_kinds("class_declaration class abstract_class_declaration"),
    receivers=_kinds("this"),
    raises=_kinds("throw_statement"),
)
_GO = Form(
    functions=_kinds("function_declaration method_declaration"),
    blocks=_kinds("block"),
    returns="result",
    parameter_kinds=_kinds("parameter_declaration variadic_parameter_declaration"),
)
_RUST = Form(
    functions=_kinds("function_item"),
    blocks=_kinds("block"),
    parameter_kinds=_kinds("parameter self_parameter"),
    classes=_kinds("impl_item trait_item"),
    receivers=_kinds("self"),
)
_JAVA = Form(
    functions=_kinds("method_declaration constructor_declaration"),
    blocks=_kinds("block constructor_body"),
    returns="type",
    parameter_kinds=_kinds("formal_parameter spread_parameter"),
    classes=_kinds("class_declaration enum_declaration record_declaration"),
    raises=_kinds("throw_statement"),
)
_C = Form(
    functions=_kinds("function_definition"),
    blocks=_kinds("compound_statement"),
    returns="type",
    parameter_kinds=_kinds("parameter_declaration optional_parameter_declaration"),
    names=_kinds("identifier field_identifier qualified_identifier destructor_name operator_name"),
    wrappers=_kinds("template_declaration"),
    classes=_kinds("class_specifier struct_specifier"),
    raises=_kinds("throw_statement"),
)

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "python": _PYTHON,
        "javascript": _JAVASCRIPT,
        "typescript": _JAVASCRIPT,
        "tsx": _JAVASCRIPT,
        "go": _GO,
        "rust": _RUST,
        "java": _JAVA,
        "c": _C,
        "cpp": _C,
    }
)
"""By the name of the language; what is not here is not offered."""
