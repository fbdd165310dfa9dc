//! Lock files and pages of other ecosystems.

use akbuild_names::GoModuleFile;
use akbuild_registry::{
    Catalogue, GoLock, LockError, NpmLock, PackageFile, Platform, PythonLock, PythonWant, Tags, parse_path, simple,
};

use super::texts;

/// The first letter says what follows: `n` a `package-lock.json`; `u` a `uv.lock` and, after a NUL, a
/// `pyproject.toml`; `g` a `go.mod` and, after a NUL, a `go.sum`; anything else a page of a Python index.
pub fn upstream(data: &[u8]) {
    let rest = data.get(1..).unwrap_or_default();
    let outcome = match data.first() {
        Some(b'n') => npm(&texts::<1>(rest)[0]),
        Some(b'u') => python(&texts(rest)),
        Some(b'g') => go(&texts(rest)),
        _ => return page(data),
    };
    if let Err(error) = outcome {
        assert!(!error.to_string().is_empty());
    }
}

fn npm(text: &str) -> Result<(), LockError> {
    let lock = NpmLock::parse(text, "package-lock.json")?;
    let artifacts = lock.artifacts(&Platform::linux_glibc("x64"))?;
    assert!(Catalogue::new(&artifacts, |_| "/nonexistent".into()).len() <= artifacts.len());
    artifacts.iter().for_each(|artifact| assert!(artifact.what.to_string().contains('@')));
    Ok(())
}

fn python([text, pyproject]: &[String; 2]) -> Result<(), LockError> {
    let lock = PythonLock::parse(text, pyproject, "uv.lock")?;
    for python in ["3.14", "3.9.1"] {
        let want = PythonWant {
            python: python.into(),
            extras: vec!["e".into()],
            groups: vec!["g".into()],
            glibc: (2, 36),
            machine: "x86_64".into(),
            git: ["a".into()].into(),
        };
        let selection = lock.select(&want)?;
        let again = lock.rewrite(text, &selection, "http://127.0.0.1:4873")?;
        // What uv is given in the lock's place names the registry and can be read.
        PythonLock::parse(&again, pyproject, "uv.lock").unwrap_or_else(|e| panic!("{e}\n\n{again}"));
    }
    Ok(())
}

fn go([go_mod, go_sum]: &[String; 2]) -> Result<(), LockError> {
    let lock = GoLock::parse(go_mod, go_sum, "go.mod")?;
    // Every dependency has the same `go.mod`: what is walked through may have cycles.
    let found = lock.needed_files(&|_| Some(go_mod.clone()))?;
    assert!(found.is_complete);
    for artifact in lock.pinned_files().chain(found.artifacts) {
        if let PackageFile::Go(GoModuleFile { module, .. }) = artifact.what {
            parse_path(&format!("/go/{}/@v/list", module.escaped()));
        }
    }
    Ok(())
}

fn page(data: &[u8]) {
    let tags = Tags::cpython((3, 14), (2, 36), "x86_64");
    for kind in [None, Some("application/json"), Some("text/html")] {
        match simple::parse(data, kind, "https://forge.example/simple/a/") {
            Ok(files) => drop(simple::best_wheel(&files, &tags)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
