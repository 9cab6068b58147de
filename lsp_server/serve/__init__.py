"""`dlm-fill serve`: one HTTP server for the completion clients of a team.

request -> gate (who, how much, how fast) -> dialect or own API -> `Ask` -> desk (queue) -> pipeline -> `Answer` -> reply
"""
