"""Extracting and inlining in JavaScript and TypeScript."""
