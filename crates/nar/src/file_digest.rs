//! Digests of bytes, files and streams. Must not depend on trees.

use std::fs::File;
use std::io::{self, Read};

use crate::{Algo, Digest, Hasher, golang};

impl Digest {
    /// The SHA-256 of these bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algo::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of a whole file, from its start, whatever its position was.
    pub fn of_file(algo: Algo, mut file: &File) -> io::Result<Self> {
        io::Seek::rewind(&mut file)?;
        match algo {
            Algo::GoZip => golang::of_zip(file),
            Algo::GoMod => golang::of_mod(file),
            _ => Self::of_reader(algo, file),
        }
    }

    /// The digest of what is left in a reader. The Go module zip hash cannot be computed from a
    /// stream (`InvalidInput`): use [`Digest::of_file`].
    pub fn of_reader(algo: Algo, mut reader: impl Read) -> io::Result<Self> {
        match algo {
            Algo::GoMod => return golang::of_mod(reader),
            Algo::GoZip => {
                let message = "the hash of a Go module zip needs a file, not a stream";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
            _ => {}
        }
        let mut hasher = Hasher::new(algo);
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(n) => hasher.update(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}
