"""One way to ask two kinds of database. Knows nothing of notes."""

import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

PREFIX = "MINI_POSTGRESQL__"


class Database:
    """Opens a connection for each transaction."""

    def __init__(self):
        self.vendor = "postgresql" if os.environ.get(PREFIX + "HOST") else "sqlite"

    @contextmanager
    def transaction(self):
        """A function that runs a statement with `%s` in it and gives its rows; commits at the end."""
        if self.vendor == "postgresql":
            with psycopg.connect(**postgresql_settings()) as connection:
                yield lambda sql, args=(): rows(connection.execute(sql, args))
        else:
            with closing(sqlite3.connect(sqlite_path(), timeout=30)) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                yield lambda sql, args=(): rows(connection.execute(sql.replace("%s", "?"), args))

    @property
    def serial(self):
        """The type of a primary key that counts by itself."""
        if self.vendor == "postgresql":
            return "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        return "integer PRIMARY KEY AUTOINCREMENT"


def rows(cursor):
    return cursor.fetchall() if cursor.description else []


def postgresql_settings():
    get = os.environ.get
    return {
        "host": get(PREFIX + "HOST"),
        "port": get(PREFIX + "PORT", "5432"),
        "dbname": get(PREFIX + "NAME", "mini"),
        "user": get(PREFIX + "USER", "mini"),
        "password": get(PREFIX + "PASSWORD", ""),
        "connect_timeout": 5,
    }


def sqlite_path():
    return Path(os.environ.get("MINI_DATA_DIR") or tempfile.gettempdir()) / "mini.sqlite3"


def connect():
    """The configured database, once it answers."""
    database = Database()
    with database.transaction() as run:
        run("SELECT 1")
    return database
