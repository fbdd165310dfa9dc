// What the npm kinds do around npm itself, run by the Node of the sysroot: checks that npm did what the stage promises.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const SHOWN = 20;

function fail(...lines) {
  console.error(lines.join("\n"));
  process.exit(1);
}

function shown(names) {
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : "";
  return names.slice(0, SHOWN).join(", ") + more;
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, "utf8").replace(/^\ufeff/, ""));
}

function isThere(file) {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isDangling(file) {
  return isThere(file) && !fs.existsSync(file);
}

function entries(folder) {
  return fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
}

// The settings of the project, as npm understands them.
function settings() {
  const { execFileSync } = require("node:child_process");
  return JSON.parse(execFileSync("npm", ["config", "list", "--json"], { encoding: "utf8" }));
}

function omitsDevelopment() {
  const { omit = [], include = [], production, only } = settings();
  const all = (value) => (Array.isArray(value) ? value : [value]);
  const omitted = all(omit).includes("dev") || production === true || ["prod", "production"].includes(only);
  return omitted && !all(include).includes("dev");
}

function lockName() {
  return ["npm-shrinkwrap.json", "package-lock.json"].find((name) => fs.existsSync(name));
}

// Before `npm ci`: the hosts for which npm asks the loopback registry. With `always`, it also looks for tarballs of the
// source below a folder with the name of the registry's host.
function hosts() {
  const resolved = Object.values(readJson(lockName()).packages).map((entry) => entry.resolved || "");
  const urls = resolved.filter((text) => /^https?:/.test(text)).map((text) => new URL(text).hostname);
  const others = [...new Set(urls)].filter((host) => host !== "127.0.0.1");
  if (!resolved.some((text) => text.startsWith("file:"))) {
    console.log("always");
  } else if (others.length > 1) {
    fail(
      `error: ${lockName()} has tarballs of the source together with addresses on several hosts: ${shown(others)}`,
      "  help: put those tarballs into the source too, or publish them on one host",
    );
  } else {
    console.log(others[0] ?? "never");
  }
}

// After `npm ci`: whether all that the lock in this folder needs is installed.
function installed() {
  const lock = lockName();
  const { packages } = readJson(lock);
  const keys = Object.keys(packages).filter((key) => key.split("/").includes("node_modules"));
  if (keys.length === 0) {
    fail(`error: ${lock} names no package, so there is nothing to install`, "  help: leave out this stage");
  }
  const folders = [...new Set(keys.map((key) => key.slice(0, key.lastIndexOf("node_modules") + "node_modules".length)))];
  if (folders.every((folder) => entries(folder).length === 0)) {
    fail(
      `error: npm installed none of the ${keys.length} packages of ${lock}`,
      "  help: see `omit`, `os` and `cpu` in .npmrc and in the lock; without packages, leave out this stage",
    );
  }
  // The strategy `linked` has a layout of its own, which the lock does not describe.
  if (!fs.existsSync("node_modules/.store")) {
    installedPackages(lock, packages, keys);
  }
  const links = folders.flatMap((folder) => entries(`${folder}/.bin`).map((name) => `${folder}/.bin/${name}`));
  const dangling = links.filter(isDangling);
  if (dangling.length > 0) {
    const line = (link) => `  ${link} leads to ${fs.readlinkSync(link)}`;
    fail(
      `error: ${dangling.length === 1 ? "a program" : "programs"} in node_modules/.bin cannot be found`,
      ...dangling.slice(0, SHOWN).map(line),
      "  help: see whether `include` of the stage has these files",
    );
  }
}

function installedPackages(lock, packages, keys) {
  const mayLack = ["optional", "devOptional", "peer", "extraneous", "inBundle"];
  let missing = keys.filter((key) => !mayLack.some((flag) => packages[key][flag]) && !isThere(key));
  if (missing.some((key) => packages[key].dev) && omitsDevelopment()) {
    missing = missing.filter((key) => !packages[key].dev);
  }
  if (missing.length > 0) {
    const noun = missing.length === 1 ? "a package" : `${missing.length} packages`;
    fail(
      `error: npm did not install ${noun} of ${lock}: ${shown(missing)}`,
      "  help: write the lock again with `npm install --package-lock-only`, with the version of npm that the sysroot has",
    );
  }
}

// How many insertions, deletions and substitutions make one word of another.
function distance(a, b) {
  let row = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

// npm runs these without a script of that name.
function isBuiltIn(name) {
  return ["env", "restart"].includes(name) || (name === "start" && fs.existsSync("server.js"));
}

// Whether a setting makes npm look for scripts in workspaces.
function looksInWorkspaces() {
  const inFile = fs.existsSync(".npmrc") && /^\s*workspaces?\b/m.test(fs.readFileSync(".npmrc", "utf8"));
  return inFile || Object.keys(process.env).some((name) => /^npm_config_workspaces?$/i.test(name));
}

// Before any script runs: whether all are there, and what `npm ci` does to programs of workspaces.
function prepare(work, ...names) {
  if (!fs.existsSync("package.json")) {
    fail("error: there is no package.json in the folder of the stage", "  help: see `folder` and `include` of the stage");
  }
  const scripts = readJson("package.json").scripts || {};
  const missing = names.filter((name) => !(name in scripts) && !isBuiltIn(name));
  if (missing.length > 0 && !looksInWorkspaces()) {
    const known = Object.keys(scripts);
    const nearest = (name) => [...known].sort((a, b) => distance(a, name) - distance(b, name))[0];
    fail(
      `error: package.json has no script ${missing.map((name) => `\`${name}\``).join(", ")}`,
      `  it has ${known.length === 0 ? "no scripts" : shown(known)}`,
      known.length === 0
        ? "  help: see `folder` of the stage"
        : `  help: correct \`run\` of the stage; the nearest is \`${nearest(missing[0])}\``,
    );
  }
  for (const folder of moduleFolders(work)) {
    entries(`${folder}/.bin`).forEach((name) => makeProgram(work, `${folder}/.bin/${name}`));
  }
  fs.writeFileSync(STAMP, "");
}

// When the scripts began.
const STAMP = path.join(require("node:os").tmpdir(), "akbuild-npm.began");

// The outermost node_modules folders.
function moduleFolders(folder) {
  const found = [];
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      found.push(...(entry.name === "node_modules" ? [inner] : moduleFolders(inner)));
    }
  }
  return found;
}

// Makes a program executable that lies in the source, and removes a carriage return of its first line, as npm does.
function makeProgram(work, link) {
  if (!fs.existsSync(link)) return;
  const file = fs.realpathSync(link);
  if (!file.startsWith(`${work}/`) || file.split("/").includes("node_modules") || !fs.statSync(file).isFile()) return;
  try {
    fs.chmodSync(file, 0o755);
    const text = fs.readFileSync(file, "latin1");
    if (/^#![^\n]+\r\n/.test(text)) {
      fs.writeFileSync(file, text.replace(/^(#![^\n]+)\r\n/, "$1\n"), "latin1");
    }
  } catch (error) {
    if (!["EROFS", "EPERM"].includes(error.code)) throw error;
  }
}

// After a script failed: what of node_modules leads nowhere.
function failed(work, status) {
  const dangling = [];
  for (const folder of moduleFolders(work)) {
    const scoped = (name) => (name.startsWith("@") ? entries(`${folder}/${name}`).map((n) => `${name}/${n}`) : [name]);
    for (const name of entries(folder).flatMap(scoped)) {
      const link = `${folder}/${name}`;
      if (isDangling(link)) dangling.push(`  ${path.relative(work, link)} leads to ${fs.readlinkSync(link)}`);
    }
  }
  if (dangling.length > 0) {
    console.error(["note: the stage does not see these linked packages:", ...dangling.slice(0, SHOWN)].join("\n"));
    console.error("  help: if the script needs them, name their folders in `include` of the stage");
  }
  process.exit(Number(status));
}

// After all scripts: whether they left what the stage keeps. `ran` has their names, with line feeds between them.
function outputs(ran, ...names) {
  const scripts = readJson("package.json").scripts || {};
  for (const name of names) {
    const stat = fs.lstatSync(name, { throwIfNoEntry: false });
    const isEmpty = stat !== undefined && stat.isDirectory() && fs.readdirSync(name).length === 0;
    if (stat !== undefined && !isEmpty) continue;
    const what = isEmpty ? "is an empty folder" : "does not exist";
    let near = isEmpty ? name : path.dirname(name);
    while (!fs.existsSync(near)) near = path.dirname(near);
    if (isEmpty) near = path.dirname(near);
    const began = fs.statSync(STAMP).mtimeMs;
    const isNew = (file) => fs.lstatSync(path.join(near, file)).mtimeMs >= began && file !== "node_modules";
    const found = entries(near);
    const written = found.filter(isNew);
    fail(
      `error: \`outputs\` of the stage names \`${name}\`, which ${what} after the scripts ran`,
      ...ran.split("\n").map((script) => `  script \`${script}\`: ${scripts[script] ?? "npm's own"}`),
      `  written in \`${near}\`: ${written.length === 0 ? "nothing" : shown(written)}`,
      `  found in \`${near}\`: ${shown(found)}`,
      "  help: correct `outputs`, or have a script write there",
    );
  }
}

const [command, ...words] = process.argv.slice(2);
({ hosts, installed, prepare, failed, outputs })[command](...words);
