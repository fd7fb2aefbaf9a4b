"""From rows to the Virtual Observatory and to the browser."""
