; What C++ adds to C: chapter [basic.scope] of the standard. Read after c.scm.

[(for_range_loop) (catch_clause) (lambda_expression)] @scope
(for_statement body: (compound_statement) @scope.not)
(if_statement consequence: (compound_statement) @scope.not)
(while_statement body: (compound_statement) @scope.not)
(for_range_loop body: (compound_statement) @scope.not)
(catch_clause body: (compound_statement) @scope.not)
(lambda_expression body: (compound_statement) @scope.not)
[(optional_parameter_declaration) (variadic_parameter_declaration)] @binder.from
(lambda_expression declarator: (abstract_function_declarator parameters: (_) @scope.not))
(abstract_function_declarator parameters: (_) @scope)
(for_range_loop right: (_) @after) @binder
(lambda_capture_initializer left: (identifier) @local) @binder.after
((field_declaration_list) @members (#set! reason "stands in a class there, which may have a member of this name"))
(template_parameter_list) @wall

(qualified_identifier name: (identifier) @other)
(qualified_identifier name: (type_identifier) @other)
(class_specifier name: (type_identifier) @other)
(namespace_definition name: (_) @other)
((attribute_declaration) @opaque (#set! reason "stands in an attribute"))

(optional_parameter_declaration declarator: (identifier) @local.parameter)
(variadic_parameter_declaration declarator: (variadic_declarator (identifier) @local.parameter))
(for_range_loop declarator: (identifier) @local)
(reference_declarator (identifier) @local)
(structured_binding_declarator (identifier) @local)
