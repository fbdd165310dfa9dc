"""The tables, and what is asked of them."""

from datetime import UTC, datetime

KINDS = ("note", "task", "idea")
# Any number; programs that migrate at the same time wait for each other on it.
LOCK = 20260200

MIGRATIONS = [
    "CREATE TABLE notes (pk {serial}, title text NOT NULL, created text NOT NULL)",
    "ALTER TABLE notes ADD COLUMN kind text NOT NULL DEFAULT 'note'",
    "CREATE TABLE jobs (pk {serial}, name text NOT NULL, finished text NOT NULL)",
]


def now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def migrate(database):
    """Brings the tables up to date and gives the number of steps that were missing."""
    with database.transaction() as run:
        if database.vendor == "postgresql":
            run("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        run("CREATE TABLE IF NOT EXISTS migrations (step integer PRIMARY KEY)")
        done = run("SELECT count(*) FROM migrations")[0][0]
        for step, sql in enumerate(MIGRATIONS[done:], start=done):
            run(sql.format(serial=database.serial))
            run("INSERT INTO migrations (step) VALUES (%s)", (step,))
    return len(MIGRATIONS) - done


def create(database, title, kind):
    with database.transaction() as run:
        row = run(
            "INSERT INTO notes (title, kind, created) VALUES (%s, %s, %s) RETURNING pk, title, kind, created",
            (title, kind, now()),
        )[0]
    return as_note(row)


def list_notes(database, kind=None):
    where, args = (" WHERE kind = %s", (kind,)) if kind else ("", ())
    with database.transaction() as run:
        found = run(f"SELECT pk, title, kind, created FROM notes{where} ORDER BY pk DESC", args)
    return [as_note(row) for row in found]


def as_note(row):
    return dict(zip(("pk", "title", "kind", "created"), row, strict=True))


def record_job(database, name):
    with database.transaction() as run:
        run("INSERT INTO jobs (name, finished) VALUES (%s, %s)", (name, now()))


def jobs_done(database):
    with database.transaction() as run:
        return run("SELECT count(*) FROM jobs")[0][0]
