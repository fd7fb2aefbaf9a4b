"""TAP_UPLOAD: tables that come with a query and go with it.

``sources`` reads the parameter; ``gathering`` makes files of it; ``reading`` opens a file in any format that is taken;
``loading`` writes the rows into temporary tables of the query's own connection.  Begin with ``loading``.
"""
