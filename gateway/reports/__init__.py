"""Reports of the journal's lists: XML by its schema, CSV, the printable page. Everything is written as it is read."""
