"""`dlm-fill eval refactor`: do refactorings preserve what code means? On real functions, against Python's own `symtable` and `ast`."""
