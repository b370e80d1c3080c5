"""The nets of a study, in their forms for 32x32 images."""
