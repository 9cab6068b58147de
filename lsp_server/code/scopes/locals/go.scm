; Go: "Declarations and scope" of the language specification. The captures are explained in ../table.py.

[(function_declaration) (method_declaration) (func_literal)] @scope @binder
[(block) (if_statement) (for_statement) (expression_switch_statement) (type_switch_statement)
 (expression_case) (default_case) (type_case) (communication_case)] @scope
(function_declaration body: (block) @scope.not)
(method_declaration body: (block) @scope.not)
(func_literal body: (block) @scope.not)
[(function_type) (method_elem) (type_spec)] @wall

[(identifier) (type_identifier) (package_identifier)] @name
(package_clause (package_identifier) @other)
(function_declaration name: (identifier) @other)
(import_spec name: (package_identifier) @other)

(parameter_declaration name: (identifier) @local.parameter)
(variadic_parameter_declaration name: (identifier) @local.parameter)
(short_var_declaration left: (expression_list (identifier) @local))
(short_var_declaration) @binder.after
(var_spec name: (identifier) @local) @binder.after
(const_spec name: (identifier) @local) @binder.after
(range_clause left: (expression_list (identifier) @local) ":=")
(range_clause) @binder.after
(receive_statement left: (expression_list (identifier) @local) ":=")
(receive_statement) @binder.after
(type_switch_statement alias: (expression_list (identifier) @local) value: (_) @after) @binder
((identifier) @other (#eq? @other "_"))

; Whether a key is a variable or a field depends on a type that may be another file's.
((keyed_element key: (literal_element (identifier) @unclear))
 (#set! reason "is a key there, and may name a field"))
(composite_literal
  type: [(map_type) (slice_type) (array_type) (implicit_length_array_type)]
  body: (literal_value (keyed_element key: (literal_element (identifier) @clear))))
