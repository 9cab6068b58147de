"""`dlm-fill eval refactor --model NAME`: what the model makes of the holes that refactorings leave, on code that it has not seen."""
