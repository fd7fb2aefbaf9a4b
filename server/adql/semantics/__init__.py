"""Tree to checked tree: every name found, every type known, every output column described.  Writes no SQL."""
