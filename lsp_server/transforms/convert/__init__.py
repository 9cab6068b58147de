"""Conversions of one construct into another that means the same, in Python."""
