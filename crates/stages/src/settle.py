"""Settles which package's file stays where several bring one: the last by name, from uv's cache."""

import base64
import csv
import glob
import hashlib
import os
import shutil

out = os.environ["out"]
site = os.path.realpath(glob.glob(f"{out}/lib/python*/site-packages")[0])


def digest(path):
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    return "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode()


claims = {}
for record in sorted(glob.glob(f"{site}/*.dist-info/RECORD")):
    with open(record, newline="") as file:
        for path, recorded, _size in csv.reader(file):
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
