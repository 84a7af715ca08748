"""Pure rules of the journal: standard library only, no input or output."""
