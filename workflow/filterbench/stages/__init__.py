"""One module a rule: it reads the rule's inputs, computes, and writes the rule's outputs."""
