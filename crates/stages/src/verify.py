"""Checks that an environment is what its stage promises.

Every package that the lock selects is there in its version, with the files that it lists; nothing leads into a folder of
the build, which is gone afterwards; commands start with the environment's own interpreter.
"""

import configparser
import csv
import glob
import json
import os
import re
import sys

out = os.environ["out"]
sites = glob.glob(f"{out}/lib/python*/site-packages")
here = os.path.dirname(os.path.realpath(__file__))
problems = []


def in_build_folder(path):
    """Whether a path is in a folder that is gone after the build. The environment itself may be below one of them."""

    def below(folder):
        return path == folder or path.startswith(folder + "/")

    return below(f"{out}/.uv-cache") or (below("/build") or below("/tmp")) and not below(out)


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def recorded(info):
    record = f"{info}/RECORD"
    if not os.path.exists(record):
        return []
    with open(record, newline="") as file:
        return [row[0] for row in csv.reader(file) if row]


def check_packages(site, infos):
    with open(f"{here}/selected.json") as file:
        selected = json.load(file)
    with open(f"{here}/installed.json") as file:
        installed = {normalised(package["name"]): package["version"] for package in json.load(file)}
    for package in selected:
        name, version = package["name"], package.get("version")
        found = installed.get(name)
        if found is None:
            if package["certain"]:
                problems.append(f"{name} is not installed, and the lock selects it")
        elif version and found != version and package["certain"]:
            problems.append(f"{name} is installed in version {found}, and the lock has {version}")
        folder = package.get("folder")
        if folder and name in infos:
            info = os.path.basename(infos[name])
            if not any(path.split("/")[0] != info for path in recorded(infos[name])):
                problems.append(
                    f"{name} has no files: it is a local package in the folder `{folder}`, and was built from what the"
                    " stage sees of it; add its files to `include` of the stage"
                )


def lacks(wheels, path):
    """Whether a wheel lists a file that it does not have. What is installed outside of site-packages is uv's to make."""
    return wheels and not path.startswith("..") and not any(os.path.lexists(f"{wheel}/{path}") for wheel in wheels)


def check_files(site, infos):
    for name, info in sorted(infos.items()):
        archives = glob.glob(f"{out}/.uv-cache/archive-v*/*/{glob.escape(os.path.basename(info))}")
        wheels = [os.path.dirname(archive) for archive in archives]
        paths = [path for path in recorded(info) if "__pycache__" not in path]
        lost = [path for path in paths if not os.path.lexists(os.path.join(site, path)) and not lacks(wheels, path)]
        if lost:
            problems.append(f"{name} lacks {len(lost)} of the files that it lists, such as {lost[0]}")


def check_links(site):
    for link in sorted(glob.glob(f"{site}/*.pth") + glob.glob(f"{site}/*.egg-link")):
        with open(link, errors="replace") as file:
            for line in map(str.strip, file):
                if in_build_folder(os.path.normpath(os.path.join(site, line))):
                    problems.append(f"{os.path.basename(link)} leads to {line}, a folder of the build")
    for finder in sorted(glob.glob(f"{site}/__editable__*.py")):
        problems.append(f"{os.path.basename(finder)} leads to a folder of the build: a package is installed as editable")


def interpreter(script):
    """The program that a script names in its first line; `None` for other files and for relocatable scripts."""
    with open(script, "rb") as file:
        lines = file.read(4096).splitlines()
    if not lines or not lines[0].startswith(b"#!"):
        return None
    words = lines[0][2:].decode(errors="replace").split()
    if words[:1] == ["/bin/sh"] and len(lines) > 1 and lines[1].startswith(b"'''exec'"):
        quoted = re.match(r"'''exec' ['\"]?(/[^'\"]*?)['\"]? ", lines[1].decode(errors="replace"))
        return quoted[1] if quoted else None
    return words[0] if words else None


def commands(info):
    """The names of the commands that a package has."""
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str
    try:
        parser.read(f"{info}/entry_points.txt")
    except (configparser.Error, UnicodeDecodeError):
        return []
    sections = [s for s in ("console_scripts", "gui_scripts") if parser.has_section(s)]
    return [name.strip() for section in sections for name in parser.options(section)]


def check_commands(infos):
    own = {}
    for name, info in sorted(infos.items()):
        own.update({command: name for command in commands(info)})
    for command, name in sorted(own.items()):
        if not os.path.exists(f"{out}/bin/{command}"):
            problems.append(f"{name} has the command `{command}`, and bin/{command} does not exist")
    for script in sorted(glob.glob(f"{out}/bin/*")):
        if os.path.islink(script) or not os.path.isfile(script):
            continue
        command, program = os.path.basename(script), interpreter(script)
        if program is None or (program.startswith(f"{out}/bin/") and os.path.exists(program)):
            continue
        if command in own or in_build_folder(program):
            problems.append(f"bin/{command} starts {program}, which is not in the environment")


def main():
    for site in sites:
        infos = {}
        for info in glob.glob(f"{site}/*.dist-info"):
            name = os.path.basename(info).removesuffix(".dist-info").rpartition("-")[0]
            infos[normalised(name)] = info
        check_packages(site, infos)
        check_files(site, infos)
        check_links(site)
        check_commands(infos)
    if problems:
        print("error: the environment is not what `uv.lock` describes", file=sys.stderr)
        for problem in problems:
            print(f"  {problem}", file=sys.stderr)
        sys.exit(1)


main()
