"""YAML files in, an immutable Config out. The only room that imports yaml."""
