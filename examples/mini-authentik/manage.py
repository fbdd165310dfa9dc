#!/usr/bin/env python
"""`manage.py migrate | check | worker | version`"""

import sys
import time

import mini_notes
from mini import VERSION, blueprints, worker
from mini.log import log


def wait_for_database(attempts=60):
    for attempt in range(1, attempts + 1):
        try:
            return mini_notes.connect()
        except Exception as error:
            if attempt == attempts:
                raise
            log("database not there yet", level="warning", error=str(error).strip(), attempt=attempt)
            time.sleep(1)


def migrate():
    steps = mini_notes.migrate(wait_for_database())
    log("migrated", steps=steps)


def check():
    import psycopg
    import yaml

    assert psycopg.pq.__impl__ == "c", psycopg.pq.__impl__
    assert yaml.__with_libyaml__
    log("check passed", version=VERSION, flows=sorted(blueprints.flows()))


COMMANDS = {"migrate": migrate, "check": check, "worker": worker.run, "version": lambda: print(VERSION)}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: manage.py {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    COMMANDS[arguments[0]]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
