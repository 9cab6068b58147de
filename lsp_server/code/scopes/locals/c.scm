; C, and what C++ has of it: chapter 6.2.1 of the standard, "Scopes of identifiers". The captures are explained in
; ../table.py.

(function_definition) @scope @binder
[(compound_statement) (for_statement) (if_statement) (while_statement) (switch_statement) (do_statement)] @scope
(function_definition body: (compound_statement) @scope.not)
[(parameter_declaration) (declaration)] @binder.from
; The parameters of the function itself are known in its body, those of other declarators nowhere else.
(function_declarator parameters: (_) @scope)
(function_definition declarator: (function_declarator parameters: (_) @scope.not))
(function_definition declarator: (_ declarator: (function_declarator parameters: (_) @scope.not)))
(function_definition declarator: (_ declarator: (_ declarator: (function_declarator parameters: (_) @scope.not))))

[(identifier) (type_identifier)] @name
(function_declarator declarator: (identifier) @other)
(struct_specifier name: (type_identifier) @other)
(union_specifier name: (type_identifier) @other)
(enum_specifier name: (type_identifier) @other)
(gnu_asm_output_operand symbol: (identifier) @other)
(gnu_asm_input_operand symbol: (identifier) @other)

(parameter_declaration declarator: (identifier) @local.parameter)
(declaration declarator: (identifier) @local)
(init_declarator declarator: (identifier) @local)
(pointer_declarator declarator: (identifier) @local)
(array_declarator declarator: (identifier) @local)
(parenthesized_declarator (identifier) @local)
(enumerator name: (identifier) @local) @binder.from
((declaration (storage_class_specifier) @word) @foreign (#eq? @word "extern")
 (#set! reason "is declared extern: other files know it"))

; Macros are text: what they mention they may take from where they are used.
(preproc_def name: (identifier) @constant @other)
(preproc_function_def name: (identifier) @constant @other)
(preproc_ifdef name: (identifier) @constant @other)
(preproc_defined (identifier) @constant @other)
; So is what is written in capitals, perhaps: the macros of other files are not seen here.
((identifier) @constant (#match? @constant "^[A-Z][A-Z0-9_]+$"))
(preproc_params (identifier) @other)
((preproc_function_def) @opaque.everywhere (#set! reason "stands in a macro"))
((preproc_def) @opaque.everywhere (#set! reason "stands in a macro"))
((preproc_if condition: (_) @opaque) (#set! reason "stands in a condition of the preprocessor"))
((preproc_elif condition: (_) @opaque) (#set! reason "stands in a condition of the preprocessor"))
((call_expression function: (identifier) @word arguments: (_) @opaque) (#match? @word "^[A-Z][A-Z0-9_]+$")
 (#set! reason "is an argument of a macro"))
(call_expression function: (identifier) @called arguments: (_) @arguments)
((attribute_specifier) @opaque (#set! reason "stands in an attribute"))
((translation_unit (compound_statement) @opaque)
 (#set! reason "belongs to a function whose head is not understood"))
