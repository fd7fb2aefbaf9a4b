"""The science: arrays in, arrays out.  Opens nothing, logs nothing, knows no clock."""
