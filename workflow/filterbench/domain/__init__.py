"""Terms of a study: targets, and the images that trainings process."""
