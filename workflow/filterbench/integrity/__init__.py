"""Whether the documents of a study hold together: places, numbers that stand twice, digests, weights."""
