"""Reading files: the ground floor, which imports nothing else of the package."""
