; Rust: "Scopes" and "Patterns" of the reference. The captures are explained in ../table.py.

(function_item) @scope @binder @wall
(function_item body: (block) @scope.not)
[(block) (if_expression) (while_expression) (closure_expression) (match_arm)] @scope
(closure_expression parameters: (_) @after) @binder
(match_arm) @binder
(let_declaration) @binder.after @fresh
(for_expression body: (_) @place) @binder
(let_condition) @binder.after @fresh
(if_expression condition: [(let_condition) @binder.after (let_chain (let_condition) @binder.after)]
  consequence: (_) @until)
(while_expression condition: [(let_condition) @binder.after (let_chain (let_condition) @binder.after)]
  body: (_) @until)
[(function_signature_item) (function_type) (const_item) (static_item) (macro_definition) (type_item)] @wall

[(identifier) (shorthand_field_identifier)] @name
(function_item name: (identifier) @other)
(function_signature_item name: (identifier) @other)
(scoped_identifier (identifier) @other)
(scoped_type_identifier path: (identifier) @other)
(scoped_use_list path: (identifier) @other)
(use_declaration (identifier) @other)
(use_list (identifier) @other)
(use_as_clause (identifier) @other)
(mod_item name: (identifier) @other)
(enum_variant name: (identifier) @other)
(macro_invocation macro: (identifier) @other)
(attribute (identifier) @other)
(lifetime (identifier) @other)
(label (identifier) @other)
(token_tree (identifier) @other)
(const_item name: (identifier) @constant @other)
(static_item name: (identifier) @constant @other)
((identifier) @constant (#match? @constant "^[A-Z]"))

(parameter pattern: (identifier) @local.parameter)
(closure_parameters (identifier) @local.parameter)
(let_declaration pattern: (identifier) @local)
(let_condition pattern: (identifier) @local)
(for_expression pattern: (identifier) @local)
(match_pattern . (identifier) @local)
(tuple_pattern (identifier) @local)
(slice_pattern (identifier) @local)
(reference_pattern (identifier) @local)
(ref_pattern (identifier) @local)
(mut_pattern (identifier) @local)
(or_pattern (identifier) @local)
(captured_pattern . (identifier) @local)
(captured_pattern (identifier) (identifier) @local)
(tuple_struct_pattern (identifier) @local)
(tuple_struct_pattern type: (identifier) @other)
(field_pattern pattern: (identifier) @local)
(field_pattern name: (shorthand_field_identifier) @local.shorthand)
((field_pattern (mutable_specifier) name: (shorthand_field_identifier) @unclear)
 (#set! reason "stands there for a field, too, and is declared with it"))
((field_pattern "ref" name: (shorthand_field_identifier) @unclear)
 (#set! reason "stands there for a field, too, and is declared with it"))
(shorthand_field_initializer (identifier) @shorthand)

; The arguments of these macros are expressions; what others make of theirs, only they know.
((macro_invocation macro: (identifier) @name_of_macro (token_tree) @expressions)
 (#any-of? @name_of_macro "assert" "assert_eq" "assert_ne" "debug_assert" "debug_assert_eq" "debug_assert_ne" "eprint"
  "eprintln" "format" "format_args" "panic" "print" "println" "todo" "unimplemented" "unreachable" "vec" "write"
  "writeln"))
((macro_invocation (token_tree) @opaque) (#set! reason "is an argument of a macro"))
((macro_definition) @opaque (#set! reason "stands in a macro"))
((attribute_item) @opaque (#set! reason "stands in an attribute"))
((inner_attribute_item) @opaque (#set! reason "stands in an attribute"))
