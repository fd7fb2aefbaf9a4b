"""From what the archive holds to new products; ``cascade`` is the whole of it on one page."""
