"""The store: what is kept, where, and how it is found again.  Statements live here, tables in ``schema``."""
