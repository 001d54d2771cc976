"""The HTTP application. The only room that imports the web framework."""
