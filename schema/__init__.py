"""What is stored and what every column means.  Imports SQLAlchemy only; read ``base`` first, then the nouns."""
