"""What a fill tells of how it came about: events while it runs, and its history afterwards."""
