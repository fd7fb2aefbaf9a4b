"""How good a mosaic is, as the release shows it: noise, agreement in overlaps, photometry, astrometry.  Pure."""
