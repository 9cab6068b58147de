"""The page that `--trace` writes: one file that plays how a fill came about."""
