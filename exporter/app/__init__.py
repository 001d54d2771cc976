"""The process: loads the configuration, starts the engine and the web server, and stops both. Wires every room."""
