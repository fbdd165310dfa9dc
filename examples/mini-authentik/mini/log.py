"""One line of JSON for each event, on stderr."""

import json
import sys


def log(event, level="info", **fields):
    print(json.dumps({"event": event, "level": level, "logger": "mini", **fields}), file=sys.stderr, flush=True)
