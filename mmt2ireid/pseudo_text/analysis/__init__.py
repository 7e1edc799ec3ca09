"""Looking at caption files: counts, accuracy against the truth."""
