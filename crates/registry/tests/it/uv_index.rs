//! An index of small random wheels, which is a folder: packages with extras and markers that depend on each other.

use std::fmt::Write;
use std::path::Path;

use crate::http::zip;
use crate::random::Random;

const PACKAGES: usize = 6;
const VERSIONS: usize = 3;
/// Packages that projects pin.
const FORKED: [&str; 5] = ["c0", "c1", "c2", "f0", "f1"];

/// Writes the wheels of an index that is a folder: packages that depend on later ones, and such as forks and conflicts are
/// about, of which every version is a different one.
pub(crate) fn write_index(random: &mut Random, dir: &Path, minor: u64) {
    std::fs::create_dir_all(dir).unwrap();
    for n in 0..PACKAGES {
        for version in 1..=VERSIONS {
            let mut metadata = String::new();
            for extra in ["e0", "e1"] {
                writeln!(metadata, "Provides-Extra: {extra}").unwrap();
                if random.one_in(2) {
                    let needed = indexed_requirement(random, n + 1, minor);
                    let (name, marker) = needed.split_once(" ; ").unwrap_or((&needed, ""));
                    let and = if marker.is_empty() { String::new() } else { format!(" and ({marker})") };
                    writeln!(metadata, "Requires-Dist: {name} ; extra == '{extra}'{and}").unwrap();
                }
            }
            if random.one_in(4) {
                writeln!(metadata, "Requires-Dist: p{n}[e1] ; extra == 'e0'").unwrap();
            }
            for _ in 0..random.below(3) {
                writeln!(metadata, "Requires-Dist: {}", indexed_requirement(random, n + 1, minor)).unwrap();
            }
            write_wheel(dir, &format!("p{n}"), version, &metadata);
        }
    }
    for name in FORKED {
        for version in 1..=VERSIONS {
            let needed =
                if random.one_in(2) { indexed_requirement(random, PACKAGES - 2, minor) } else { String::new() };
            let needed = if needed.starts_with('p') { format!("Requires-Dist: {needed}\n") } else { String::new() };
            write_wheel(dir, name, version, &needed);
        }
    }
}

fn write_wheel(dir: &Path, name: &str, version: usize, metadata: &str) {
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}");
    let info = format!("{name}-{version}.dist-info");
    let wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let record = format!("{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    let files = [
        (&*format!("{name}.py"), ""),
        (&*format!("{info}/METADATA"), &*metadata),
        (&*format!("{info}/WHEEL"), wheel),
        (&*format!("{info}/RECORD"), &*record),
    ];
    std::fs::write(dir.join(format!("{name}-{version}-py3-none-any.whl")), zip(&files)).unwrap();
}

/// A requirement of a package from `first` on, or of one that forks and conflicts are about.
fn indexed_requirement(random: &mut Random, first: usize, minor: u64) -> String {
    if first < PACKAGES && !random.one_in(3) {
        return requirement(random, first, minor);
    }
    let name = random.pick(&FORKED);
    if random.one_in(4) { format!("{name} ; {}", marker(random, minor)) } else { (*name).to_owned() }
}

fn marker(random: &mut Random, minor: u64) -> String {
    let patch = random.below(12);
    let simple = match random.below(16) {
        0 => format!("python_version < '3.{minor}'"),
        1 => format!("python_version >= '3.{minor}'"),
        2 => format!("python_version > '3.{minor}'"),
        3 => format!("python_full_version < '3.{minor}.{patch}'"),
        4 => format!("python_full_version >= '3.{minor}.{patch}'"),
        5 => "sys_platform == 'linux'".to_owned(),
        6 => "sys_platform == 'win32'".to_owned(),
        7 => "platform_machine != 'x86_64'".to_owned(),
        8 => "platform_machine == 'x86_64'".to_owned(),
        9 => "implementation_name == 'cpython'".to_owned(),
        10 => format!("python_version in '3.8 3.{minor}'"),
        11 => format!("python_version not in '3.8 3.{minor}'"),
        12 => "'linux' in sys_platform".to_owned(),
        13 => "platform_python_implementation == 'PyPy'".to_owned(),
        14 => format!("'3.{minor}' <= python_version"),
        _ => "python_version ~= '3.8'".to_owned(),
    };
    match random.below(5) {
        0 => format!("({simple}) and ({})", marker(random, minor)),
        1 => format!("({simple}) or ({})", marker(random, minor)),
        _ => simple,
    }
}

/// A requirement of a package from `first` on.
pub(crate) fn requirement(random: &mut Random, first: usize, minor: u64) -> String {
    let n = first + random.below(PACKAGES - first);
    let extra = ["", "", "", "[e0]", "[e1]", "[e0,e1]"][random.below(6)];
    let specifier = ["", "", "", "", "", "", ">=2", "<=3", "!=1"][random.below(9)];
    let marker = if random.one_in(3) { format!(" ; {}", marker(random, minor)) } else { String::new() };
    format!("p{n}{extra}{specifier}{marker}")
}
