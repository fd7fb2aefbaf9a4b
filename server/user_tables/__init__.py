"""Tables that accounts keep, in the dialect of pyvo and of CADC's youcat: made, loaded, indexed, removed over HTTP.

``routes`` takes the requests; ``names`` says what a table may be called; ``definition`` reads what it is to be;
``fitting`` brings rows into the types of its columns; ``indexing`` is done by the workers.  The tables themselves are
in ``archive.user_tables`` and ``archive.user_rows``.
"""
