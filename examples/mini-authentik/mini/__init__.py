"""The application behind the server."""

VERSION = "1.2.0"
