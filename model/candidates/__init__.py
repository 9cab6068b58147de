"""What may be handed back: gathered, compared, repaired where nothing fits, chosen."""
