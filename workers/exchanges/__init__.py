"""One folder per external system."""
