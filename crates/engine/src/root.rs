//! The sysroot of `--toolchain host`: the tree that folders of the machine are mounted over, and what tells one machine
//! from another. Runs nothing.

use std::path::Path;

use akbuild_recipe::plan::{HostMount, HostRoot};
use akbuild_sysroot::Point;

use crate::keys::manifest_field::ManifestField;

/// What tells one machine from another, by field: a line each in the root's tree, so in the key of each stage.
pub(crate) fn fields(host: &HostRoot) -> Vec<(ManifestField, String)> {
    let program = |p: &akbuild_recipe::plan::HostProgram| {
        (ManifestField::HostProgram(p.name.clone()), format!("{} {} {}", p.path.display(), p.digest, p.version))
    };
    let mut all: Vec<_> = host.programs.iter().map(program).collect();
    let glibc = host.glibc.map_or("none".to_owned(), |(major, minor)| format!("{major}.{minor}"));
    let mounts: Vec<_> = host.mounts.iter().map(|m| format!("{}={}", m.at, m.from.display())).collect();
    let links: Vec<_> = host.links.iter().map(|(at, to)| format!("{at}={to}")).collect();
    all.extend([
        (ManifestField::HostGlibc, glibc),
        (ManifestField::HostProcessor, host.machine.clone()),
        (ManifestField::HostPath, host.path.join(":")),
        (ManifestField::HostMounts, mounts.join(" ")),
        (ManifestField::HostLinks, links.join(" ")),
    ]);
    all
}

/// Writes the tree that the machine's folders are mounted over.
#[allow(clippy::disallowed_methods, reason = "folders of the machine that the toolchain names")]
pub(crate) fn write(host: &HostRoot, dest: &Path) -> Result<(), akbuild_sysroot::SysrootError> {
    let links = host.links.iter().map(|(at, to)| Point::Link(at, to));
    let nested = |i: usize| host.mounts[..i].iter().any(|outer| Path::new(&host.mounts[i].at).starts_with(&outer.at));
    let place = |(i, mount): (usize, &'_ HostMount)| (!nested(i)).then(|| (mount.at.clone(), mount.from.is_dir()));
    let places: Vec<(String, bool)> = host.mounts.iter().enumerate().filter_map(place).collect();
    let places = places.iter().map(|(at, folder)| if *folder { Point::Folder(at) } else { Point::File(at) });
    let points: Vec<Point<'_>> = links.chain(places).collect();
    let text: String = fields(host).into_iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    akbuild_sysroot::bare(dest, &points, &text)
}

#[cfg(test)]
mod tests {
    use akbuild_nar::Digest;
    use akbuild_recipe::plan::HostProgram;

    use super::*;

    fn host() -> HostRoot {
        let mount = |at: &str, from: &str| HostMount { at: at.into(), from: from.into() };
        let digest = Digest::sha256(b"gcc");
        let gcc = HostProgram { name: "gcc".into(), path: "/usr/bin/gcc-12".into(), digest, version: "gcc 12".into() };
        HostRoot {
            programs: vec![gcc],
            glibc: Some((2, 41)),
            machine: "x86_64".into(),
            path: vec!["/opt/go/bin".into(), "/usr/bin".into()],
            links: vec![("bin".into(), "usr/bin".into())],
            mounts: vec![mount("/usr", "/"), mount("/usr/bin/env", "/store/env"), mount("/opt/go", "/opt/go")],
        }
    }

    #[test]
    fn what_tells_machines_apart_is_in_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        write(&host(), dir.path()).unwrap();
        assert!(dir.path().join("opt/go").exists() && !dir.path().join("usr/bin/env").exists());
        insta::assert_snapshot!(std::fs::read_to_string(dir.path().join("etc/akbuild-host")).unwrap(), @"
        host.gcc /usr/bin/gcc-12 sha256-lPD6f4l8zOZYVtxamLrkv2lXo0Z2ZhPXlBTJdtCTqko= gcc 12
        glibc 2.41
        machine x86_64
        path /opt/go/bin:/usr/bin
        mounts /usr=/ /usr/bin/env=/store/env /opt/go=/opt/go
        links bin=usr/bin
        ");
    }
}
