"""Training and evaluating a net on a study's images."""
