"""Prefixes of the names of controls that every pruner can have (docs/controls.md)."""

LAYERS = "LayersOf"
UNIFORM = "UniformAs"
UNIFORM_ABOVE = "UniformAbove"
UNIFORM_SPARING = "UniformSparing"
UNIFORM_FLOPS = "UniformFlopsAs"
