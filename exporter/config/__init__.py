"""The configuration: YAML files -> an immutable Config. The only room that imports yaml."""
