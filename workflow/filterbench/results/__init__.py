"""Tables of finished cells, and failures."""
