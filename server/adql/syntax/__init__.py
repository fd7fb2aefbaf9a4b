"""Text to tree: words, tokens, nodes and the grammar.  Knows no table, no type and no SQL."""
