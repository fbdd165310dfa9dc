//! Programs and libraries of this machine, and headers made by hand, over sysroots that lack something.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::provider::Provider;
use super::*;

/// The C library of this machine.
fn libc() -> PathBuf {
    let folders = ["/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib"];
    let mut places = folders.iter().map(|folder| Path::new(folder).join("libc.so.6"));
    places.find(|path| path.exists()).expect("the tests run on a machine with glibc")
}

/// A tree with this machine's own `true`, and a sysroot with its loader and libraries of these names.
fn place(libraries: &[&str]) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let (tree, sysroot) = (top.path().join("tree"), top.path().join("root"));
    fs::create_dir_all(tree.join("bin")).unwrap();
    for folder in ["etc/ld.so.conf.d", "usr/lib/here", "lib64"] {
        fs::create_dir_all(sysroot.join(folder)).unwrap();
    }
    fs::copy("/bin/true", tree.join("bin/true")).unwrap();
    fs::write(tree.join("bin/script"), "#!/bin/sh\n").unwrap();
    fs::write(sysroot.join("etc/ld.so.conf.d/here.conf"), "# folders\n/lib/here\n").unwrap();
    symlink("usr/lib", sysroot.join("lib")).unwrap();
    for loader in ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"] {
        fs::write(sysroot.join(loader), "").unwrap();
    }
    for name in libraries {
        fs::copy(libc(), sysroot.join("usr/lib/here").join(name)).unwrap();
    }
    (top, tree, sysroot)
}

fn checked(tree: &Path, sysroot: &Path) -> ElfReport {
    check(tree, "/opt/x", &MountedSysroot::plain(sysroot.to_owned())).unwrap()
}

/// The message, without what is known of packages.
fn said(report: &ElfReport, providers: &[(&str, Provider)]) -> String {
    let providers = providers.iter().map(|(name, provider)| ((*name).to_owned(), provider.clone())).collect();
    words(report, &providers, "runtime")
}

/// An ELF file with this type and machine, and these section headers: type and flags.
fn header(kind: u16, machine: u16, sections: &[(u32, u64)]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let shoff = if sections.is_empty() { 0_u64 } else { 64 };
    for half in [kind, machine] {
        bytes.extend(half.to_le_bytes());
    }
    bytes.extend(1_u32.to_le_bytes());
    for word in [0x1000, 0, shoff] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    for half in [64, 56, 0, 64, sections.len() as u16, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for (kind, flags) in sections {
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0; 48]);
    }
    bytes
}

const NATIVE: u16 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };

#[test]
fn a_library_in_a_configured_folder_is_found_through_links() {
    let (_top, tree, sysroot) = place(&["libc.so.6"]);
    let report = checked(&tree, &sysroot);
    assert_eq!((report.libraries, report.unmet.as_slice()), (1, &[][..]));
    assert!(report.others > 1, "a loader and versions: {report:?}");
    assert_eq!(report.summary(), "1 program; 0 libraries; 1 needed library");
}

#[test]
fn a_missing_library_is_named_with_the_file_that_needs_it() {
    let (_top, tree, sysroot) = place(&["libm.so.6"]);
    let report = checked(&tree, &sysroot);
    insta::assert_snapshot!(said(&report, &[]), @"
    1 of 1 needed libraries would not be found at run time:
      /opt/x/bin/true needs libc.so.6
      help: add the package that has the library to the run-time sysroot of the recipe, or leave out the file that needs it
    ");
}

#[test]
fn a_missing_library_is_named_with_its_package() {
    let (_top, tree, sysroot) = place(&[]);
    let report = checked(&tree, &sysroot);
    let suites = "suite `stable`".to_owned();
    let of_suite = |names: &[&str]| Provider::Suites {
        packages: names.iter().map(|name| (*name).to_owned()).collect(),
        suites: suites.clone(),
    };
    let other =
        |package: Option<&str>| Provider::Sysroot { package: package.map(str::to_owned), sysroot: "build".to_owned() };
    let all = [
        ("liba.so.1", other(Some("liba1t64"))),
        ("libb.so.1", other(None)),
        ("libc.so.6", of_suite(&["libc6"])),
        ("libd.so.1", of_suite(&["d1", "d2", "d3", "d4", "d5", "d6"])),
        ("libe.so.1", Provider::Nobody { suites: suites.clone() }),
        ("libf.so.1", Provider::Elsewhere { path: "/opt/x/lib/libf.so.1".into(), is_output: true }),
        ("libg.so.1", Provider::Elsewhere { path: "/usr/lib/g/libg.so.1".into(), is_output: false }),
        ("libh.so.1", Provider::Unknown { why: "`--offline`".into(), names: vec!["libh1".into(), "libh1t64".into()] }),
        ("plugin", Provider::Unknown { why: "`--offline`".into(), names: Vec::new() }),
    ];
    insta::assert_snapshot!(said(&report, &all), @"
    1 of 1 needed libraries would not be found at run time:
      /opt/x/bin/true needs libc.so.6
      liba.so.1 is in package `liba1t64`, which sysroot `build` has
      libb.so.1 is in sysroot `build`
      libc.so.6 is in package `libc6` of suite `stable`
      libd.so.1 is in packages `d1`, `d2`, `d3`, `d4`, `d5` and 1 more of suite `stable`
      no package of suite `stable` has libe.so.1
      libf.so.1 is in the output as /opt/x/lib/libf.so.1, where the loader does not look
      libg.so.1 is in sysroot `runtime` as /usr/lib/g/libg.so.1, where the loader does not look
      which package has libh.so.1 is not known (`--offline`); by Debian's rule for names it is `libh1` or `libh1t64`
      which package has plugin is not known: `--offline`
      help: add `liba1t64`, `libc6` to `packages` of `[sysroots.runtime]`, and run `akbuild lock`
      help: where several packages have a library, add the one that fits to `[sysroots.runtime]`
      help: link what needs it with a RUNPATH to its folder, such as `-Wl,-rpath,'$ORIGIN/../lib'`
    ");
}

#[test]
fn a_file_that_is_no_library_for_this_machine_is_passed_over() {
    let (_top, tree, sysroot) = place(&["libc.so.6"]);
    let foreign = if NATIVE == 62 { 183 } else { 62 };
    fs::create_dir(sysroot.join("usr/lib/first")).unwrap();
    fs::write(sysroot.join("etc/ld.so.conf.d/here.conf"), "/lib/first\n/lib/here\n").unwrap();
    for other in [header(3, foreign, &[]), b"/* a script of the linker */".to_vec()] {
        fs::write(sysroot.join("usr/lib/first/libc.so.6"), &other).unwrap();
        assert_eq!(checked(&tree, &sysroot).unmet, []);
    }
    fs::remove_file(sysroot.join("usr/lib/here/libc.so.6")).unwrap();
    assert_eq!(checked(&tree, &sysroot).unmet.len(), 1);
}

#[test]
fn a_version_that_a_library_does_not_define_is_missing() {
    let (_top, tree, sysroot) = place(&[]);
    // It has versions of the same names, and not all of them.
    let libm = libc().with_file_name("libm.so.6");
    fs::copy(libm, sysroot.join("usr/lib/here/libc.so.6")).unwrap();
    let unmet = checked(&tree, &sysroot).unmet;
    assert!(!unmet.is_empty());
    for unmet in &unmet {
        let ElfNeed::Version { library, version, path, newest } = &unmet.need else { panic!("{unmet:?}") };
        assert_eq!((&**library, &**path), ("libc.so.6", "/lib/here/libc.so.6"));
        assert!(version.starts_with("GLIBC_") && newest.as_ref().unwrap().starts_with("GLIBC_"), "{unmet:?}");
    }
    let need = ElfNeed::Version {
        library: "libc.so.6".into(),
        version: "GLIBC_2.41".into(),
        path: "/lib/libc.so.6".into(),
        newest: Some("GLIBC_2.36".into()),
    };
    let unmet = vec![UnmetNeed { file: "/opt/x/bin/true".into(), need, searched: Vec::new() }];
    insta::assert_snapshot!(said(&ElfReport { unmet, libraries: 3, others: 9, ..ElfReport::default() }, &[]), @"
    1 of 12 needs of programs and libraries would not be met at run time:
      /opt/x/bin/true needs GLIBC_2.41 of libc.so.6, which /lib/libc.so.6 does not have: its newest is GLIBC_2.36
      help: build it in a sysroot with the same version of the library as the one that it runs in, or take the newer library into `[sysroots.runtime]`
    ");
}

#[test]
fn the_newest_version_is_by_number() {
    let defined = ["GLIBC_2.9", "GLIBC_2.36", "GLIBC_2.2.5", "GLIBC_PRIVATE", "OTHER_9"].map(str::to_owned).into();
    assert_eq!(need::newest_like("GLIBC_2.41", &defined).as_deref(), Some("GLIBC_2.36"));
    assert_eq!(need::newest_like("CXXABI_1", &defined), None);
    assert_eq!(need::newest_like("GLIBC_PRIVATE", &defined), None);
}

#[test]
fn a_missing_loader_is_named() {
    let (_top, tree, sysroot) = place(&["libc.so.6"]);
    for loader in ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"] {
        fs::remove_file(sysroot.join(loader)).unwrap();
    }
    let report = checked(&tree, &sysroot);
    let [UnmetNeed { need: ElfNeed::Loader(path), .. }] = &report.unmet[..] else { panic!("{report:?}") };
    assert!(path.starts_with("/lib") && path.contains("/ld-linux"), "{path}");
    let said = said(&report, &[]).replace(path.as_str(), "[LOADER]");
    assert!(said.contains("/opt/x/bin/true needs the loader [LOADER]"), "{said}");
}

#[test]
fn each_kind_of_file_is_counted() {
    let (_top, tree, sysroot) = place(&["libc.so.6"]);
    let foreign = if NATIVE == 62 { 40 } else { 62 };
    for (name, bytes) in [
        ("static", header(2, NATIVE, &[])),
        ("static-pie", header(3, NATIVE, &[])),
        ("other", header(3, foreign, &[])),
        ("x.o", header(1, NATIVE, &[])),
        ("module.ko", header(1, NATIVE, &[])),
        ("x.debug", header(3, NATIVE, &[(0, 0), (8, 6)])),
        ("damaged", b"\x7fELF\x02".to_vec()),
    ] {
        fs::write(tree.join("bin").join(name), bytes).unwrap();
    }
    fs::set_permissions(tree.join("bin/static-pie"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(libc(), tree.join("libc.so.6")).unwrap();
    symlink("nowhere", tree.join("bin/broken")).unwrap();
    symlink("true", tree.join("bin/again")).unwrap();
    let summary = checked(&tree, &sysroot).summary();
    let (counts, others) = summary.split_once("; not looked at: ").unwrap();
    assert!(counts.starts_with("3 programs, 2 of them static; 1 library; "), "{counts}");
    assert_eq!(others, "2 object files, 1 debug file, 1 file for another machine, 1 damaged file");
}

#[test]
fn a_library_that_is_elsewhere_is_found_there() {
    let (_top, tree, sysroot) = place(&[]);
    fs::create_dir_all(sysroot.join("usr/lib/private")).unwrap();
    fs::copy(libc(), sysroot.join("usr/lib/private/libc.so.6")).unwrap();
    let find = |tree: &Path| {
        let place = PlacedTree::open(tree, "/opt/x", &MountedSysroot::plain(sysroot.clone())).unwrap();
        let found = place.find(&["libc.so.6".to_owned()].into());
        found.into_iter().map(|(_, path, is_output)| (path.display().to_string(), is_output)).collect::<Vec<_>>()
    };
    assert_eq!(find(&tree), [("/usr/lib/private/libc.so.6".to_owned(), false)]);
    fs::copy(libc(), tree.join("bin/libc.so.6")).unwrap();
    assert_eq!(find(&tree)[0], ("/opt/x/bin/libc.so.6".to_owned(), true));
}

#[test]
fn origin_and_what_climbs_out_of_it_are_followed() {
    let folder = expand("$ORIGIN/../x.libs:", Path::new("/opt/x/lib"));
    assert_eq!(place::clean(Path::new(&folder)), Path::new("/opt/x/x.libs:"));
    assert_eq!(expand("${ORIGIN}/$LIB", Path::new("/a")), "/a/lib");
}
