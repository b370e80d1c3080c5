"""One HTML file in which a reader explores a study's cells."""
