"""The worker: does the same small job again and again, and says so."""

import signal
import threading

import mini_notes
from mini import blueprints
from mini.log import log

INTERVAL = 10.0


def run():
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = mini_notes.connect()
    log("worker started", database=database.vendor)
    while True:
        found = blueprints.load()
        mini_notes.record_job(database, "blueprints")
        log("blueprints discovered", count=len(found), jobs=mini_notes.jobs_done(database))
        if stop.wait(INTERVAL):
            log("worker stopped")
            return
