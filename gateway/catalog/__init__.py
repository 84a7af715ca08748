"""Reads exchange manifests: services, groups, columns, schemas. Refuses clashes and unknown keys."""
