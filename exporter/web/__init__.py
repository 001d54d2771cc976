"""The web server: access checks, the HTTP server, endpoints for programs, pages. The only room with the web framework.

Order, lowest first: access and backend; server; api and pages; app. A module imports only from lower ones
(tests/test_floors.py).
"""
