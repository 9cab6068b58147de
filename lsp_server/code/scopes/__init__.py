"""Which names of a file mean the same thing: scopes, bindings, and their occurrences, from the syntax tree alone."""
