"""The only room that parses XML: hardened parser, schemas, findings, digests, the tag–data view."""
