"""Editions of the rules, one TOML file each, frozen by hash once published."""
