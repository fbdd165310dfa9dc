//! Random workspaces of uv: members, extras, groups, conflicts, forks and markers in as many combinations as real projects
//! have, so that a walk through their locks can be compared with uv's own. Their packages come from `uv_index`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use crate::random::Random;
use crate::uv_index::requirement;

const EXTRAS: [&str; 4] = ["x0", "x1", "X_two", "x3"];
const GROUPS: [&str; 5] = ["dev", "g0", "g1", "G_two", "g3"];
const MEMBERS: [&str; 3] = ["m0", "m-one", "m2"];

/// A `pyproject.toml` in parts.
#[derive(Default)]
struct ProjectDraft {
    name: Option<&'static str>,
    dependencies: Vec<String>,
    extras: BTreeMap<&'static str, Vec<String>>,
    /// Entries are TOML values: texts and `{ include-group = "x" }`.
    groups: BTreeMap<&'static str, Vec<String>>,
    conflicts: Vec<Vec<String>>,
    settings: Vec<String>,
}

/// The names that a sync of a workspace may choose, and some that it may not.
pub(crate) struct WorkspaceNames {
    pub(crate) extras: Vec<&'static str>,
    pub(crate) groups: Vec<&'static str>,
}

/// Writes a workspace.
pub(crate) fn write_workspace(random: &mut Random, dir: &Path, minor: u64) -> WorkspaceNames {
    let members = &MEMBERS[..random.below(MEMBERS.len() + 1)];
    let is_project = members.is_empty() || !random.one_in(4);
    let mut names: Vec<&'static str> = members.to_vec();
    if is_project {
        names.push("demo");
    }
    let mut drafts: Vec<ProjectDraft> = names.iter().map(|name| draft(random, name, &names, minor)).collect();
    if !is_project {
        let mut root = ProjectDraft::default();
        if random.one_in(2) {
            root.groups = groups(random, None, &names, minor);
        }
        drafts.push(root);
    }
    conflicts(random, &mut drafts);
    let root = drafts.len() - 1;
    root_settings(random, &mut drafts[root], minor, !members.is_empty());
    for (draft, name) in drafts.iter().zip(members.iter().copied().chain(std::iter::once(""))) {
        let folder = if name.is_empty() { dir.to_owned() } else { dir.join("packages").join(name) };
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pyproject.toml"), draft.toml(random, &names, minor)).unwrap();
    }
    let chosen = drafts.iter().filter(|draft| !is_project || draft.name == Some("demo") || random.one_in(12));
    let (extras, groups): (Vec<_>, Vec<_>) =
        chosen.map(|draft| (draft.extras.keys().copied(), draft.groups.keys().copied())).unzip();
    WorkspaceNames { extras: distinct(extras, "nox", random), groups: distinct(groups, "nog", random) }
}

/// Each name once, rarely with one that nothing has.
fn distinct<I: Iterator<Item = &'static str>>(
    names: Vec<I>,
    absent: &'static str,
    random: &mut Random,
) -> Vec<&'static str> {
    let absent = random.one_in(20).then_some(absent);
    names.into_iter().flatten().chain(absent).collect::<BTreeSet<_>>().into_iter().collect()
}

fn draft(random: &mut Random, name: &'static str, names: &[&'static str], minor: u64) -> ProjectDraft {
    let mut draft = ProjectDraft { name: Some(name), ..ProjectDraft::default() };
    draft.dependencies = entries(random, name, names, minor);
    if random.one_in(4) {
        // A fork: two versions, by the platform or the interpreter.
        let name = random.pick(&["f0", "f1"]);
        let sides = [
            ("sys_platform == 'linux'", "sys_platform != 'linux'"),
            ("sys_platform == 'win32'", "sys_platform != 'win32'"),
            (&*format!("python_version < '3.{minor}'"), &*format!("python_version >= '3.{minor}'")),
            (&*format!("python_full_version <= '3.{minor}.5'"), &*format!("python_full_version > '3.{minor}.5'")),
        ];
        let (one, two) = random.pick(&sides);
        draft.dependencies.extend([format!("{name}==1 ; {one}"), format!("{name}==2 ; {two}")]);
    }
    for extra in random.some(&EXTRAS, 2) {
        let mut list = entries(random, name, names, minor);
        if random.one_in(4) {
            list.clear();
        }
        draft.extras.insert(extra, list);
    }
    // Extras of extras: `demo[x1]` in x0.
    let own: Vec<&str> = draft.extras.keys().copied().collect();
    if own.len() > 1 && random.one_in(2) {
        draft.extras.get_mut(own[0]).unwrap().push(format!("{name}[{}]", own[1]));
    }
    draft.groups = groups(random, Some((name, own)), names, minor);
    draft
}

/// Requirements of packages, and of other members with and without extras.
fn entries(random: &mut Random, name: &str, names: &[&'static str], minor: u64) -> Vec<String> {
    let mut list: Vec<String> = (0..random.below(3)).map(|_| requirement(random, 0, minor)).collect();
    for other in random.some(names, 4) {
        if *other != name {
            let extra = if random.one_in(2) { format!("[{}]", random.pick(&EXTRAS)) } else { String::new() };
            list.push(format!("{other}{extra}"));
        }
    }
    list
}

fn groups(
    random: &mut Random,
    own: Option<(&str, Vec<&str>)>,
    names: &[&'static str],
    minor: u64,
) -> BTreeMap<&'static str, Vec<String>> {
    let mut groups = BTreeMap::new();
    for group in random.some(&GROUPS, 2) {
        let mut list: Vec<String> = entries(random, own.as_ref().map_or("", |own| own.0), names, minor);
        if let Some((name, extras)) = &own
            && !extras.is_empty()
            && random.one_in(2)
        {
            list.push(format!("{name}[{}]", random.pick(extras)));
        }
        let mut list: Vec<String> = list.into_iter().map(|entry| quoted(&entry)).collect();
        // Only of groups that came before: includes have no cycles.
        if let Some(earlier) = groups.keys().next()
            && random.one_in(2)
        {
            list.push(format!("{{ include-group = \"{earlier}\" }}"));
        }
        if random.one_in(6) {
            list.clear();
        }
        groups.insert(*group, list);
    }
    groups
}

/// One item of a conflict: of which project, as TOML, and where a pin goes that makes it necessary.
enum ConflictPlace {
    Extra(usize, &'static str),
    Group(usize, &'static str),
    Project(usize),
}

fn conflicts(random: &mut Random, drafts: &mut [ProjectDraft]) {
    for _ in 0..[0, 1, 1, 2][random.below(4)] {
        let mut places = Vec::new();
        for (n, draft) in drafts.iter().enumerate().filter(|(_, draft)| draft.name.is_some()) {
            places.extend(draft.extras.keys().map(|extra| ConflictPlace::Extra(n, extra)));
            places.extend(draft.groups.keys().map(|group| ConflictPlace::Group(n, group)));
            places.push(ConflictPlace::Project(n));
        }
        if places.len() < 2 {
            return;
        }
        let pinned = random.pick(&["c0", "c1", "c2"]);
        let mut items = Vec::new();
        let mut owner = 0;
        for version in 1..=(2 + usize::from(random.one_in(4))) {
            if places.is_empty() {
                break;
            }
            let extras = places.iter().position(|place| matches!(place, ConflictPlace::Extra(..)));
            let at = extras.filter(|_| random.one_in(2)).unwrap_or_else(|| random.below(places.len()));
            let place = places.swap_remove(at);
            let pin = format!("{pinned}=={version}");
            let (n, kind) = match place {
                ConflictPlace::Extra(n, extra) => {
                    drafts[n].extras.get_mut(extra).unwrap().push(pin);
                    switch_on(random, drafts, n, extra);
                    (n, format!(", extra = \"{extra}\""))
                }
                ConflictPlace::Group(n, group) => {
                    drafts[n].groups.get_mut(group).unwrap().push(quoted(&pin));
                    (n, format!(", group = \"{group}\""))
                }
                ConflictPlace::Project(n) => {
                    drafts[n].dependencies.push(pin);
                    (n, String::new())
                }
            };
            if !random.one_in(4) {
                // Without a version, so that the items decide.
                drafts[n].dependencies.push((*pinned).to_owned());
            }
            owner = n;
            items.push(format!("{{ package = \"{}\"{kind} }}", drafts[n].name.unwrap()));
        }
        if items.len() > 1 {
            drafts[owner].conflicts.push(items);
        }
    }
}

/// Has a group, another extra or another member ask for an extra.
fn switch_on(random: &mut Random, drafts: &mut [ProjectDraft], n: usize, extra: &'static str) {
    let needed = format!("{}[{extra}]", drafts[n].name.unwrap());
    let owner = if random.one_in(3) { random.below(drafts.len()) } else { n };
    match random.below(4) {
        0 if owner != n && drafts[owner].name.is_some() => drafts[owner].dependencies.push(needed),
        1 => drafts[n].extras.entry("on").or_default().push(needed),
        _ => drafts[owner].groups.entry(random.word(&["g-on", "g0"])).or_default().push(quoted(&needed)),
    }
}

fn root_settings(random: &mut Random, root: &mut ProjectDraft, minor: u64, has_members: bool) {
    if has_members {
        root.settings.push("workspace = { members = [\"packages/*\"] }".to_owned());
    }
    let groups: Vec<&str> = root.groups.keys().copied().collect();
    match random.below(6) {
        0 => root.settings.push("default-groups = \"all\"".to_owned()),
        1 => root.settings.push("default-groups = []".to_owned()),
        2 => {
            let list: Vec<String> = random.some(&groups, 2).into_iter().map(|group| quoted(group)).collect();
            root.settings.push(format!("default-groups = [{}]", list.join(", ")));
        }
        3 if random.one_in(16) => root.settings.push("default-groups = [\"nowhere\"]".to_owned()),
        _ => {}
    }
    if let Some(group) = groups.first()
        && random.one_in(8)
    {
        let version = minor + random.below(2) as u64;
        root.settings.push(format!("dependency-groups = {{ {group} = {{ requires-python = \">=3.{version}\" }} }}"));
    }
    match random.below(24) {
        0 | 1 => root.settings.push("environments = [\"sys_platform == 'linux'\"]".to_owned()),
        2 => root.settings.push("environments = [\"sys_platform == 'win32'\"]".to_owned()),
        3 => root.settings.push("constraint-dependencies = [\"p4<3\"]".to_owned()),
        4 => root.settings.push("override-dependencies = [\"p5==2\"]".to_owned()),
        5 if !root.groups.contains_key("dev") => root.settings.push("dev-dependencies = [\"p1\"]".to_owned()),
        _ => {}
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn list(entries: &[String]) -> String {
    entries.iter().map(|entry| quoted(entry)).collect::<Vec<_>>().join(", ")
}

impl ProjectDraft {
    fn toml(&self, random: &mut Random, names: &[&str], minor: u64) -> String {
        let mut out = String::new();
        if let Some(name) = self.name {
            let oldest = [8, 9, minor][random.below(3)];
            writeln!(out, "[project]\nname = \"{name}\"\nversion = \"1\"\nrequires-python = \">=3.{oldest}\"").unwrap();
            writeln!(out, "dependencies = [{}]\n[project.optional-dependencies]", list(&self.dependencies)).unwrap();
            for (extra, entries) in &self.extras {
                writeln!(out, "{extra} = [{}]", list(entries)).unwrap();
            }
        }
        if !self.groups.is_empty() {
            writeln!(out, "[dependency-groups]").unwrap();
        }
        for (group, entries) in &self.groups {
            writeln!(out, "{group} = [{}]", entries.join(", ")).unwrap();
        }
        writeln!(out, "[tool.uv]\n{}", self.settings.join("\n")).unwrap();
        let conflicts: Vec<String> = self.conflicts.iter().map(|set| format!("[{}]", set.join(", "))).collect();
        if !conflicts.is_empty() {
            writeln!(out, "conflicts = [{}]", conflicts.join(", ")).unwrap();
        }
        writeln!(out, "[tool.uv.sources]").unwrap();
        for name in names.iter().filter(|name| Some(**name) != self.name) {
            writeln!(out, "{name} = {{ workspace = true }}").unwrap();
        }
        out
    }
}
