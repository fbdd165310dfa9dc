"""Notes, and the database they are kept in: PostgreSQL where it is configured, SQLite elsewhere."""

from mini_notes.database import Database, connect
from mini_notes.store import KINDS, create, jobs_done, list_notes, migrate, record_job

__all__ = ["KINDS", "Database", "connect", "create", "jobs_done", "list_notes", "migrate", "record_job"]
