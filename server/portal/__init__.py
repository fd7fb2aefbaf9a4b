"""The archive in a browser: pages that work without scripts, from rows through templates to HTML and SVG.

``pages`` has the routes; what is computed for them (maps, facts, examples) is pure and in files of its own.
"""
