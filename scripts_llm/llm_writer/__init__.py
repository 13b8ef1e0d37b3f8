"""Writes scripts with a language model: outline, scenes, punch-up, and the checks between them."""
