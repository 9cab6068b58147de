; Java: chapter 6.3 of the language specification, "Scope of a Declaration". The captures are explained in ../table.py.

((program) @rules (#set! shadowing "forbidden"))
[(method_declaration) (constructor_declaration) (lambda_expression)] @scope @binder
[(block) (constructor_body) (for_statement) (enhanced_for_statement) (try_with_resources_statement) (catch_clause)
 (switch_block) (switch_rule)] @scope
(method_declaration body: (block) @scope.not)
(constructor_declaration body: (constructor_body) @scope.not)
[(switch_rule) (switch_block_statement_group)] @binder
(catch_clause) @binder
((class_body) @members (#set! reason "stands in a class there, which may have a member of this name"))
[(record_declaration) (enum_declaration) (interface_declaration) (annotation_type_declaration)] @wall

(identifier) @name
[(package_declaration) (import_declaration) (marker_annotation) (scoped_identifier)] @outside
(annotation name: (_) @other)
(element_value_pair key: (identifier) @other)
(class_declaration name: (identifier) @other)
(interface_declaration name: (identifier) @other)
(enum_declaration name: (identifier) @other)
(record_declaration name: (identifier) @other)
(annotation_type_declaration name: (identifier) @other)
(annotation_type_element_declaration name: (identifier) @other)
(method_declaration name: (identifier) @other)
(constructor_declaration name: (identifier) @other)
(compact_constructor_declaration name: (identifier) @other)
(enum_constant name: (identifier) @other)
(field_declaration declarator: (variable_declarator name: (identifier) @other))
(constant_declaration declarator: (variable_declarator name: (identifier) @other))
(method_invocation name: (identifier) @other)
(field_access field: (identifier) @other)
(method_reference (_) "::" (identifier) @other)
(labeled_statement . (identifier) @other)
(break_statement (identifier) @other)
(continue_statement (identifier) @other)
(record_pattern . (identifier) @other)
(module_declaration) @outside
((switch_label (identifier) @unclear) (#set! reason "may be the constant of an enum there"))

(formal_parameter name: (identifier) @local.parameter)
(spread_parameter (variable_declarator name: (identifier) @local.parameter))
(inferred_parameters (identifier) @local.parameter)
(lambda_expression parameters: (identifier) @local.parameter)
(catch_formal_parameter name: (identifier) @local.parameter)
(local_variable_declaration declarator: (variable_declarator name: (identifier) @local)) @binder.from
(enhanced_for_statement name: (identifier) @local value: (_) @after) @binder
(resource name: (identifier) @local)
(try_with_resources_statement resources: (resource_specification (resource) @binder.from) body: (_) @until)
(type_pattern (_) (identifier) @local)
(record_pattern_component (_) (identifier) @local)

; Where such a variable is known depends on the ways that the program takes.
((instanceof_expression name: (identifier) @local @unclear) (#set! reason "is bound by instanceof"))
(instanceof_expression) @binder.from
((instanceof_expression pattern: (_) @doubtful) (#set! reason "is bound by instanceof"))
