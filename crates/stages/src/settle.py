"""Settles what differs from run to run in an environment, and what tells of the run's own folders.

Where several packages bring a file, the last by name stays, taken from uv's cache. Of packages that come from the
source tree or from an address, uv notes times and places of the run: notes of times are removed, as are places in the
source tree, and the registry's address becomes the one that the lock has.
"""

import base64
import csv
import glob
import hashlib
import json
import os
import shutil

out = os.environ["out"]
site = os.path.realpath(glob.glob(f"{out}/lib/python*/site-packages")[0])
here = os.path.dirname(os.path.realpath(__file__))


def encoded(found):
    return "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def digest(path):
    with open(path, "rb") as file:
        return encoded(hashlib.file_digest(file, "sha256").digest())


def rows(record):
    with open(record, newline="") as file:
        return list(csv.reader(file))


def settle_conflicts():
    claims = {}
    for record in sorted(glob.glob(f"{site}/*.dist-info/RECORD")):
        for path, recorded, _size in rows(record):
            if recorded:
                claims.setdefault(path, []).append(recorded)
    for path, recorded in sorted(claims.items()):
        place = os.path.join(site, path)
        if len(set(recorded)) < 2 or digest(place) == recorded[-1]:
            continue
        copies = glob.glob(f"{out}/.uv-cache/archive-v*/*/{glob.escape(path)}")
        chosen = next(copy for copy in sorted(copies) if digest(copy) == recorded[-1])
        os.remove(place)
        shutil.copy(chosen, place)
        print(f"{path} comes from several packages; the last by name stays")


def original(url, addresses):
    """The address that the lock has for one of the registry; `None` for a place in the source tree."""
    if url.startswith("file:"):
        return None
    digest = url.partition("/pypi/files/")[2].partition("/")[0]
    return addresses.get(digest, url)


def settle_notes(info, addresses):
    """Changes the notes of one package, and its RECORD with them."""
    changed = {}
    if os.path.exists(f"{info}/uv_cache.json"):
        changed["uv_cache.json"] = None
    if os.path.exists(f"{info}/direct_url.json"):
        with open(f"{info}/direct_url.json") as file:
            note = json.load(file)
        url = original(note["url"], addresses)
        if url is None:
            changed["direct_url.json"] = None
        elif url != note["url"]:
            changed["direct_url.json"] = json.dumps({**note, "url": url}, separators=(",", ":"))
    if not changed:
        return
    for name, text in changed.items():
        os.remove(f"{info}/{name}")
        if text is not None:
            with open(f"{info}/{name}", "w") as file:
                file.write(text)
    kept = []
    for path, recorded, size in rows(f"{info}/RECORD"):
        folder, name = os.path.split(path)
        text = changed.get(name) if folder == os.path.basename(info) else None
        if folder == os.path.basename(info) and name in changed and text is None:
            continue
        if text is not None:
            recorded, size = encoded(hashlib.sha256(text.encode()).digest()), str(len(text.encode()))
        kept.append((path, recorded, size))
    os.remove(f"{info}/RECORD")
    with open(f"{info}/RECORD", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(kept)


def main():
    settle_conflicts()
    with open(f"{here}/selected.json") as file:
        addresses = {package["sha256"]: package["url"] for package in json.load(file) if package.get("url")}
    for info in sorted(glob.glob(f"{site}/*.dist-info")):
        settle_notes(info, addresses)


main()
