"""Terms of a study: targets, names of controls, and the images that trainings process."""
