"""Catalogues of products and items that cards choose from, as TOML files."""
