//! What a program says of the program that runs it: the first line of a script, the loader of an ELF file. Knows their first
//! bytes; looks nothing up.

use std::path::PathBuf;

/// So many bytes of a program say what runs it.
pub const PROGRAM_START_BYTES: usize = 8192;

/// The program that runs another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramRunner {
    /// Its whole path.
    pub path: PathBuf,
    /// The program that it looks for in `PATH`, if it is `env`.
    pub searched: Option<String>,
}

/// What runs a program that begins with these bytes; `None` if the kernel runs it alone, or nothing is known of it.
pub fn program_runner(first: &[u8]) -> Option<ProgramRunner> {
    match first.strip_prefix(b"#!") {
        Some(script) => of_script(script),
        None => Some(ProgramRunner { path: loader(first)?.into(), searched: None }),
    }
}

/// `/bin/sh -e`, `/usr/bin/env python3`, `/usr/bin/env -S NAME=value node --flag`
fn of_script(script: &[u8]) -> Option<ProgramRunner> {
    let line = script.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let path = PathBuf::from(words.next().filter(|path| path.starts_with('/'))?);
    let is_env = path.file_name().is_some_and(|name| name == "env");
    let searched = words.find(|word| is_env && !word.starts_with('-') && !word.contains('='));
    Some(ProgramRunner { path, searched: searched.filter(|name| !name.contains('/')).map(str::to_owned) })
}

/// The loader of a 64-bit little-endian ELF file, as far as its beginning tells.
fn loader(first: &[u8]) -> Option<&str> {
    const LOADER: u32 = 3;
    let number = |at: usize, length: usize| {
        let bytes = first.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte)))
    };
    first.strip_prefix(b"\x7fELF\x02\x01")?;
    let (headers, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let at = |i: u64| usize::try_from(headers.checked_add(i * size)?).ok();
    let header = (0..count).filter_map(at).find(|at| number(*at, 4) == Some(u64::from(LOADER)))?;
    let begin = usize::try_from(number(header.checked_add(8)?, 8)?).ok()?;
    let text = first.get(begin..)?.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(text).ok().filter(|path| path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(first: &[u8]) -> String {
        program_runner(first).map_or("none".into(), |runner| {
            format!("{} {}", runner.path.display(), runner.searched.unwrap_or_default()).trim_end().to_owned()
        })
    }

    #[test]
    fn a_script_says_what_runs_it() {
        for (first, runner) in [
            ("#!/bin/sh\nset -e\n", "/bin/sh"),
            ("#! /bin/bash -e", "/bin/bash"),
            ("#!/usr/bin/env python3\n", "/usr/bin/env python3"),
            ("#!/usr/bin/env -S A=b node --flag\n", "/usr/bin/env node"),
            ("#!/usr/bin/env -S\n", "/usr/bin/env"),
            ("#!/usr/bin/env /opt/x\n", "/usr/bin/env"),
            ("#!python\n", "none"),
            ("#!", "none"),
            ("echo", "none"),
            ("", "none"),
        ] {
            assert_eq!(said(first.as_bytes()), runner, "{first}");
        }
    }

    #[test]
    fn a_program_says_which_loader_it_has() {
        let program = std::fs::read("/bin/true").unwrap();
        let first = &program[..program.len().min(PROGRAM_START_BYTES)];
        assert!(said(first).contains("/ld-"), "{}", said(first));
        for length in [0, 6, 40, 64, 100] {
            assert_eq!(said(&first[..length]), "none");
        }
    }
}
