"""The command line (being built)."""


def main() -> None:
    """Run the command line."""
