//! Versions, specifiers and tags of wheels against Python's own `packaging`, on random texts: both take and refuse the same
//! ones, and both order and match them alike.
#![allow(clippy::print_stdout, reason = "the seed and the numbers of a random run")]

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use akbuild_names::{Specifiers, Version};
use akbuild_registry::{Tags, WheelName};
use serde_json::{Value, json};

use crate::clients::run;
use crate::random::{Random, settings};

/// Answers each question of a file on a line of its own, as JSON.
const ORACLE: &str = r#"
import json, sys
import packaging._manylinux as manylinux
from packaging.specifiers import SpecifierSet
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

manylinux._get_glibc_version = lambda: (2, 36)
manylinux._is_compatible = lambda *arguments: True

def supported(minor):
    platforms = list(manylinux.platform_tags(["x86_64"])) + ["linux_x86_64"]
    tags = list(cpython_tags((3, minor), [f"cp3{minor}"], platforms))
    tags += compatible_tags((3, minor), f"cp3{minor}", platforms)
    return {tag: place for place, tag in reversed(list(enumerate(tags)))}

def order(a, b):
    a, b = Version(a), Version(b)
    return (a > b) - (a < b)

def contains(version, specifiers):
    return SpecifierSet(specifiers).contains(Version(version), prereleases=True)

def wheel(name, minor, memory={}):
    if minor not in memory:
        memory[minor] = supported(minor)
    _, version, _, tags = parse_wheel_filename(name)
    return min((memory[minor][tag] for tag in tags if tag in memory[minor]), default=None)

def valid(specifiers):
    SpecifierSet(specifiers)
    return True

for line in open(sys.argv[1]):
    function, *arguments = json.loads(line)
    try:
        answer = globals()[function](*arguments)
    except ValueError:
        answer = "invalid"
    print(json.dumps(answer))
"#;

/// A Python that has `packaging` 26 or newer; older ones match some specifiers otherwise. In CI there has to be one.
fn python_with_packaging(dir: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("python3"))
        .filter(|program| program.is_file())
        .find(|program| run(program, dir, &["-c", "import packaging.ranges"], &[]).0);
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have Python's `packaging`");
    found
}

/// Compares the answers of `packaging` with akbuild's.
fn compare(questions: &[Value], ours: impl Fn(&[Value]) -> Value) {
    let dir = tempfile::tempdir().unwrap();
    let Some(python) = python_with_packaging(dir.path()) else { return };
    std::fs::write(dir.path().join("oracle.py"), ORACLE).unwrap();
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    std::fs::write(dir.path().join("questions"), lines).unwrap();
    let (ok, output) = run(&python, dir.path(), &["-I", "oracle.py", "questions"], &[]);
    assert!(ok, "{output}");
    assert_eq!(output.lines().count(), questions.len());
    let mut differences = Vec::new();
    for (question, theirs) in questions.iter().zip(output.lines()) {
        let theirs: Value = serde_json::from_str(theirs).unwrap();
        let ours = ours(&question.as_array().unwrap()[1..]);
        if ours != theirs {
            differences.push(format!("{question}: packaging {theirs}, akbuild {ours}"));
        }
    }
    println!("{} questions, {} differences", questions.len(), differences.len());
    differences.truncate(40);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A version in one of its many spellings; sometimes not one at all.
fn version(random: &mut Random) -> String {
    let mut out = random.word(&["", "", "", "", "", "v", "V", " "]).to_owned();
    out += random.word(&["", "", "", "", "0!", "1!", "2!"]);
    let segments: Vec<String> = (0..=random.below(4)).map(|_| random.below(4).to_string()).collect();
    out += &segments.join(".");
    let separators = ["", "", "", ".", "-", "_"];
    for words in [
        &["a", "b", "c", "rc", "alpha", "Beta", "pre", "preview", "RC"][..],
        &["post", "rev", "r", "POST"],
        &["dev", "Dev"],
    ] {
        if random.one_in(3) {
            let number = ["", "0", "1", "2", "10", "01"][random.below(6)];
            let (before, after) = (random.word(&separators), random.word(&separators));
            out += &format!("{before}{}{after}{number}", random.word(words));
        }
    }
    if random.one_in(12) {
        out += random.word(&["-1", "-0", "-10"]);
    }
    if random.one_in(5) {
        let local: Vec<&str> =
            (0..=random.below(3)).map(|_| random.word(&["1", "2", "10", "abc", "a1", "Ubuntu", "007"])).collect();
        out += "+";
        out += &local.join(random.word(&[".", "-", "_"]));
    }
    mutated(random, out)
}

/// Rarely with a character too many, too few or another one.
fn mutated(random: &mut Random, text: String) -> String {
    if !random.one_in(10) || text.is_empty() {
        return text;
    }
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len());
    let other = *random.pick(&['.', '-', '+', '!', '1', 'a', 'x', ' ', '*', '_', 'é', '/']);
    match random.below(3) {
        0 => drop(chars.remove(at)),
        1 => chars.insert(at, other),
        _ => chars[at] = other,
    }
    chars.into_iter().collect()
}

fn specifiers(random: &mut Random) -> String {
    let one = |random: &mut Random| {
        let operator = random.word(&["==", "!=", "~=", "<=", ">=", "<", ">", "===", "=", ""]);
        let space = random.word(&["", "", " "]);
        let mut version = version(random);
        if random.one_in(5) {
            version = version.split(['a', 'b', 'c', 'r', 'p', 'd', '+', '-', '_']).next().unwrap().to_owned() + ".*";
        }
        format!("{operator}{space}{version}")
    };
    let list: Vec<String> = (0..=random.below(2)).map(|_| one(random)).collect();
    list.join(random.word(&[",", ", ", " , ", ",,"]))
}

#[test]
fn versions_are_ordered_as_packaging_orders_them() {
    let (rounds, mut random) = settings(2000);
    let questions: Vec<Value> =
        (0..rounds).map(|_| json!(["order", version(&mut random), version(&mut random)])).collect();
    compare(&questions, |pair| match (text(&pair[0]).parse::<Version>(), text(&pair[1]).parse::<Version>()) {
        (Ok(a), Ok(b)) => json!(a.cmp(&b) as i8),
        _ => json!("invalid"),
    });
    assert_eq!(Ordering::Less as i8, -1);
}

#[test]
fn specifiers_match_as_those_of_packaging() {
    let (rounds, mut random) = settings(3000);
    let mut questions = Vec::new();
    for _ in 0..rounds {
        let set = specifiers(&mut random);
        questions.push(json!(["valid", set]));
        let mut candidate = version(&mut random);
        if random.one_in(2) {
            // A relative of the version in the specifier: those are what the rules are about.
            let base = set.trim_start_matches(['=', '<', '>', '!', '~', ' ']).split([',', ' ', '*']).next().unwrap();
            let tail = random.word(&["", "", ".0", ".1", "a1", ".post1", ".dev1", "+local", "rc1.post2", ".post1+x"]);
            candidate = format!("{}{tail}", base.trim_end_matches('.'));
        }
        questions.push(json!(["contains", candidate, set]));
    }
    compare(&questions, |arguments| match arguments {
        [set] => text(set).parse::<Specifiers>().map_or(json!("invalid"), |_| json!(true)),
        [candidate, set] => match (text(candidate).parse::<Version>(), text(set).parse::<Specifiers>()) {
            (Ok(version), Ok(set)) => json!(set.contain(&version)),
            _ => json!("invalid"),
        },
        _ => unreachable!(),
    });
}

/// A tag of one part of a wheel's name, or several.
fn tag(random: &mut Random, choices: &[&str]) -> String {
    let set: Vec<&str> = (0..=random.below(8) / 6).map(|_| random.word(choices)).collect();
    set.join(".")
}

fn wheel(random: &mut Random) -> String {
    let build = random.word(&["", "", "", "", "-1", "-2b", "-x"]);
    let pythons = [
        "cp314", "cp313", "cp312", "cp38", "cp36", "cp32", "cp31", "cp2", "py3", "py2", "py314", "py37", "py30",
        "pp310",
    ];
    let abis = ["none", "none", "abi3", "abi3", "cp314", "cp314t", "cp313", "cp38", "cp38m", "abi3t"];
    let platforms = [
        "any",
        "any",
        "linux_x86_64",
        "manylinux1_x86_64",
        "manylinux2010_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_5_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux_2_36_x86_64",
        "manylinux_2_37_x86_64",
        "manylinux_2_28_aarch64",
        "manylinux2014_i686",
        "musllinux_1_2_x86_64",
        "win_amd64",
        "macosx_11_0_arm64",
    ];
    let (python, abi, platform) = (tag(random, &pythons), tag(random, &abis), tag(random, &platforms));
    let name = format!("a-1.0{build}-{python}-{abi}-{platform}.whl");
    if random.one_in(20) { name.replacen("-1.0", random.word(&["", "-", "-1.0-x-y", "-one"]), 1) } else { name }
}

#[test]
fn wheels_fit_and_are_preferred_as_packaging_says() {
    let (rounds, mut random) = settings(2000);
    let minors = [8, 9, 12, 13, 14];
    let questions: Vec<Value> =
        (0..rounds).map(|_| json!(["wheel", wheel(&mut random), random.pick(&minors)])).collect();
    compare(&questions, |arguments| {
        let minor = arguments[1].as_u64().unwrap();
        let Some(wheel) = WheelName::parse(text(&arguments[0])) else { return json!("invalid") };
        json!(Tags::cpython((3, minor), (2, 36), "x86_64").position(&wheel))
    });
}
