"""Blueprints: YAML files that say which flows there are."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Blueprint:
    name: str
    flows: dict[str, str]


def folder():
    return Path(os.environ.get("MINI_BLUEPRINTS_DIR") or "blueprints")


def load():
    """Every blueprint below the folder, sorted by path; links are followed, hidden files passed over."""
    found = []
    for base, folders, files in os.walk(folder(), followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(".yaml") and not name.startswith("."):
                found.append(read(Path(base) / name))
    return sorted(found, key=lambda blueprint: blueprint.name)


def read(path):
    document = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    flows = {entry["slug"]: entry["title"] for entry in document.get("flows") or []}
    return Blueprint(document["metadata"]["name"], flows)


def flows():
    return {slug: title for blueprint in load() for slug, title in blueprint.flows.items()}
