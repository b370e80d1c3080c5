"""What Snakemake's own process runs. Only this package names Snakemake."""
