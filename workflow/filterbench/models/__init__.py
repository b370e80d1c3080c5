"""The nets of a study, in their forms for small images: a multiple of 32 pixels high and wide."""
