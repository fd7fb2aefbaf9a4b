"""From ESO, the telescope's logs and files on disk to rows of the catalogue."""
