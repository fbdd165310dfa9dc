//! `cargo xtask dist`: one static binary, linked against musl. Knows how it is built and how to see that it
//! needs nothing of the machine it runs on.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::repo::{self, Outcome, io};

pub(crate) fn run() -> Outcome {
    let arch = std::env::consts::ARCH;
    let target = format!("{arch}-unknown-linux-musl");
    prepare(&target)?;
    repo::run(repo::cargo().args(["build", "--release", "--locked", "--package", "akbuild", "--target", &target]))?;
    let built = repo::root().join("target").join(&target).join("release/akbuild");
    let folder = repo::root().join("target/dist");
    let binary = folder.join(format!("akbuild-{}-{arch}-linux", env!("CARGO_PKG_VERSION")));
    io(std::fs::create_dir_all(&folder), "make", &folder)?;
    io(std::fs::copy(&built, &binary), "copy the binary to", &binary)?;
    if let Some(interpreter) = interpreter(&io(std::fs::read(&binary), "read", &binary)?) {
        return Err(format!("`{}` is not static: it asks for {interpreter}", binary.display()));
    }
    println!("{}", binary.display());
    println!("{}", size(&binary)?);
    println!("{}", repo::output(Command::new(&binary).arg("--version"))?.trim());
    println!("{}", repo::output(Command::new(&binary).arg("hash").arg(&binary))?.trim());
    Ok(())
}

/// The standard library for the target and a C compiler for it.
fn prepare(target: &str) -> Outcome {
    let compiler = Command::new("musl-gcc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !compiler.is_ok_and(|status| status.success()) {
        return Err("there is no musl-gcc, which compiles the C parts\n  help: apt-get install musl-tools".to_owned());
    }
    let installed =
        repo::output(Command::new("rustup").args(["target", "list", "--installed"]).current_dir(repo::root()))?;
    if installed.lines().any(|line| line == target) {
        return Ok(());
    }
    repo::run(Command::new("rustup").args(["target", "add", target]).current_dir(repo::root()))
}

fn size(binary: &Path) -> Outcome<String> {
    let bytes = io(binary.metadata(), "look at", binary)?.len();
    Ok(format!("{:.1} MB", bytes as f64 / 1e6))
}

/// The dynamic linker that a 64-bit little-endian ELF file names (`PT_INTERP`, elf(5)); a static one names none.
fn interpreter(elf: &[u8]) -> Option<String> {
    let number = |at: usize, width: usize| -> Option<usize> {
        let bytes = elf.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
    };
    let (headers, width, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let header = (0..count).map(|i| headers + i * width).find(|at| number(*at, 4) == Some(3))?;
    let (start, length) = (number(header + 8, 8)?, number(header + 32, 8)?);
    let name = elf.get(start..start + length)?;
    Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_names_its_linker() {
        let shell = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(interpreter(&shell).unwrap().contains("ld"));
    }

    #[test]
    fn what_is_no_elf_names_none() {
        assert_eq!(interpreter(b"#!/bin/sh\n"), None);
    }
}
