//! Files of this machine that its configuration names as a mirror. Opens nothing but regular files: a FIFO would hang
//! and a device never ends.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::Cancel;

/// How much is copied between two looks at the switch.
const PIECE: usize = 1 << 20;

/// Opens a regular file for reading. Links are followed: whoever configured the folder made them.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    // Without NONBLOCK, opening a FIFO waits for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")),
    }
}

/// How a copy ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CopyOutcome {
    /// So many bytes were copied.
    Whole(u64),
    /// The input is longer than the limit.
    TooLong,
    /// The switch was thrown.
    Cancelled,
}

/// Copies at most `limit` bytes.
pub(crate) fn copy_limited(
    from: &mut impl Read,
    to: &mut impl Write,
    limit: u64,
    cancel: &Cancel,
) -> io::Result<CopyOutcome> {
    let mut piece = vec![0; PIECE];
    let mut total = 0;
    loop {
        if cancel.is_thrown() {
            return Ok(CopyOutcome::Cancelled);
        }
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(CopyOutcome::Whole(total));
        }
        total += count as u64;
        if total > limit {
            return Ok(CopyOutcome::TooLong);
        }
        to.write_all(&piece[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [fifo.as_path(), dir.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
            assert_eq!(open_regular(path).unwrap_err().to_string(), "is not a regular file", "{}", path.display());
        }
        assert!(open_regular(&file).is_ok() && open_regular(&link).is_ok());
    }

    #[test]
    fn a_copy_ends_at_its_limit_and_when_it_is_cancelled() {
        let cancel = Cancel::new();
        let copy = |limit| copy_limited(&mut io::repeat(1).take(100), &mut Vec::new(), limit, &cancel).unwrap();
        assert_eq!(copy(100), CopyOutcome::Whole(100));
        assert_eq!(copy(99), CopyOutcome::TooLong);
        cancel.throw();
        assert_eq!(copy(100), CopyOutcome::Cancelled);
    }
}
