"""From a masked net to a compact one: masks, slicing, speedup and its check, export."""
