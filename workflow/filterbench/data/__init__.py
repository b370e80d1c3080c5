"""The images of a study: datasets, fixed splits, loading and augmentation."""
