//! Unpacking a NAR. Knows the format and trusts nothing in it: what is not exactly what
//! [`crate::dump`] would write is refused, and nothing is written outside the destination.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat, symlinkat};
use rustix::io::Errno;

use akbuild_tree::{DIR_FLAGS, DirStack, MAX_DEPTH};

use crate::{NarError, TreeStats};

/// Bytes in a file name, as on Linux.
const MAX_NAME: u64 = 255;
/// Bytes in the target of a symbolic link, as on Linux.
const MAX_TARGET: u64 = 4095;

const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Unpacks a NAR to `dest`, which must not exist yet. Files get mode 644 or 755. After an error,
/// what was unpacked so far is left.
///
/// # Errors
/// Anything but a canonical NAR: names that are empty, `.`, `..` or contain `/` or NUL, names that
/// are not sorted or stand twice, folders too deep, padding that is not zero, lengths beyond the
/// end, bytes after the end.
pub fn restore(input: &mut impl Read, dest: &Path) -> Result<TreeStats, NarError> {
    let input = Input { inner: input, offset: 0 };
    Restore { input, dest, above: None, last: Vec::new(), stats: TreeStats::default() }.run()
}

struct Restore<'a, R> {
    input: Input<'a, R>,
    dest: &'a Path,
    above: Option<DirStack>,
    /// For each folder on the way down, the last name in it.
    last: Vec<Vec<u8>>,
    stats: TreeStats,
}

impl<R: Read> Restore<'_, R> {
    fn run(mut self) -> Result<TreeStats, NarError> {
        self.input.expect("nix-archive-1")?;
        let dest = self.dest.as_os_str().to_owned();
        self.node(&dest)?;
        while !self.last.is_empty() {
            match self.input.string(MAX_NAME)?.as_slice() {
                b"entry" => self.entry()?,
                b")" => self.leave()?,
                other => return Err(self.input.unexpected("`entry` or `)`", other)),
            }
        }
        self.input.end()?;
        Ok(self.stats)
    }

    fn entry(&mut self) -> Result<(), NarError> {
        self.input.expect("(")?;
        self.input.expect("name")?;
        let name = self.input.string(MAX_NAME)?;
        if name.is_empty() || name == b"." || name == b".." || name.iter().any(|b| *b == b'/' || *b == 0) {
            return Err(self.input.wrong(format!("`{}` is not a file name", name.escape_ascii())));
        }
        let last = self.last.last_mut().expect("an entry stands in a folder");
        if *last >= name {
            let problem = format!("`{}` does not sort after `{}`", name.escape_ascii(), last.escape_ascii());
            return Err(self.input.wrong(problem));
        }
        last.clone_from(&name);
        self.input.expect("node")?;
        self.node(OsStr::from_bytes(&name))
    }

    /// Reads a node; of a folder only the beginning.
    fn node(&mut self, name: &OsStr) -> Result<(), NarError> {
        self.input.expect("(")?;
        self.input.expect("type")?;
        match self.input.string(MAX_NAME)?.as_slice() {
            b"regular" => self.file(name)?,
            b"symlink" => self.symlink(name)?,
            b"directory" => return self.enter(name),
            other => return Err(self.input.unexpected("`regular`, `symlink` or `directory`", other)),
        }
        self.close_entry()
    }

    fn file(&mut self, name: &OsStr) -> Result<(), NarError> {
        let mut word = self.input.string(MAX_NAME)?;
        let exec = word == b"executable";
        if exec {
            self.input.expect("")?;
            word = self.input.string(MAX_NAME)?;
        }
        if word != b"contents" {
            return Err(self.input.unexpected("`contents`", &word));
        }
        let size = self.input.number()?;
        let mode = Mode::from_raw_mode(if exec { 0o755 } else { 0o644 });
        let fd = openat(self.dir(), name, NEW_FILE, mode).map_err(|e| self.io("create", name, e))?;
        let mut file = std::fs::File::from(fd);
        let copied = std::io::copy(&mut (&mut self.input).take(size), &mut file);
        let copied = copied.map_err(|source| NarError::Io { action: "write", path: self.path(name), source })?;
        if copied != size {
            return Err(self.input.wrong(format!("a file of {size} bytes ends after {copied}")));
        }
        self.input.padding(size)?;
        self.stats.files += 1;
        self.stats.bytes += size;
        self.input.expect(")")
    }

    fn symlink(&mut self, name: &OsStr) -> Result<(), NarError> {
        self.input.expect("target")?;
        let target = self.input.string(MAX_TARGET)?;
        if target.is_empty() || target.contains(&0) {
            return Err(self.input.wrong("a symbolic link with an empty target or a NUL in it".into()));
        }
        symlinkat(target.as_slice(), self.dir(), name).map_err(|e| self.io("create", name, e))?;
        self.stats.symlinks += 1;
        self.input.expect(")")
    }

    fn enter(&mut self, name: &OsStr) -> Result<(), NarError> {
        if self.last.len() == MAX_DEPTH {
            return Err(self.input.wrong(format!("more than {MAX_DEPTH} folders inside each other")));
        }
        let made = mkdirat(self.dir(), name, Mode::from_raw_mode(0o755));
        let opened = made.and_then(|()| openat(self.dir(), name, DIR_FLAGS, Mode::empty()));
        let fd: OwnedFd = opened.map_err(|e| self.io("create", name, e))?;
        let pushed = match &mut self.above {
            Some(above) => above.push(fd, name),
            none => DirStack::new(fd, self.dest).map(|stack| *none = Some(stack)),
        };
        pushed.map_err(|e| self.io("stat", name, e))?;
        self.last.push(Vec::new());
        self.stats.dirs += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), NarError> {
        self.last.pop();
        let popped = self.above.as_mut().map(DirStack::pop);
        if let Some(Err(e)) = popped {
            return Err(self.io("go up from", OsStr::new(""), e));
        }
        self.close_entry()
    }

    fn close_entry(&mut self) -> Result<(), NarError> {
        if self.last.is_empty() { Ok(()) } else { self.input.expect(")") }
    }

    fn dir(&self) -> BorrowedFd<'_> {
        self.above.as_ref().map_or(CWD, |above| above.fd())
    }

    fn path(&self, name: &OsStr) -> PathBuf {
        self.above.as_ref().map_or_else(|| PathBuf::from(name), |above| above.path(name))
    }

    fn io(&self, action: &'static str, name: &OsStr, e: Errno) -> NarError {
        NarError::Io { action, path: self.path(name), source: e.into() }
    }
}

/// The bytes of a NAR, counted.
struct Input<'a, R> {
    inner: &'a mut R,
    offset: u64,
}

impl<R: Read> Input<'_, R> {
    fn number(&mut self) -> Result<u64, NarError> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn string(&mut self, most: u64) -> Result<Vec<u8>, NarError> {
        let len = self.number()?;
        if len > most {
            return Err(self.wrong(format!("a string of {len} bytes where at most {most} may stand")));
        }
        let mut text = vec![0; len as usize];
        self.fill(&mut text)?;
        self.padding(len)?;
        Ok(text)
    }

    fn expect(&mut self, word: &str) -> Result<(), NarError> {
        let found = self.string(MAX_NAME)?;
        if found == word.as_bytes() { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"), &found)) }
    }

    fn padding(&mut self, len: u64) -> Result<(), NarError> {
        let mut zeros = [0; 8];
        let zeros = &mut zeros[..((8 - len % 8) % 8) as usize];
        self.fill(zeros)?;
        if zeros.iter().all(|b| *b == 0) { Ok(()) } else { Err(self.wrong("padding that is not zero".into())) }
    }

    fn end(&mut self) -> Result<(), NarError> {
        match self.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong("bytes after the end".into())),
            Err(e) => Err(NarError::Read(e)),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NarError> {
        self.read_exact(bytes).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => self.wrong("it ends too early".into()),
            _ => NarError::Read(e),
        })
    }

    fn unexpected(&self, expected: &str, found: &[u8]) -> NarError {
        self.wrong(format!("expected {expected}, found `{}`", found.escape_ascii()))
    }

    fn wrong(&self, problem: String) -> NarError {
        NarError::Malformed { offset: self.offset, problem }
    }
}

impl<R: Read> Read for Input<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => return other.inspect(|n| self.offset += *n as u64),
            }
        }
    }
}
