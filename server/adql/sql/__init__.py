"""Checked tree to PostgreSQL text.  Decides nothing: names come from metadata, literals are written anew."""
