//! The `h1:` hashes of `go.sum`, as `golang.org/x/mod/sumdb/dirhash` defines them in `Hash1`:
//! the SHA-256 of the lines `HEX-OF-SHA-256  NAME\n`, one a file, sorted by name.

use std::fs::File;
use std::io::{self, Read};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::{Algo, Digest, repeated_zip_name};

pub(crate) fn of_mod(mut reader: impl Read) -> io::Result<Digest> {
    let sum = sha256(&mut reader)?;
    Ok(hash1(Algo::GoMod, [(String::from("go.mod"), sum)]))
}

pub(crate) fn of_zip(file: &File) -> io::Result<Digest> {
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(io::Error::from)?;
    if let Some(name) = repeated_zip_name(file, archive.central_directory_start(), archive.len())? {
        let message = format!("a Go module zip with a file name twice: `{}`", name.escape_ascii());
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut files = Vec::with_capacity(archive.len());
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(io::Error::from)?;
        let name = entry.name().to_owned();
        if name.contains('\n') {
            let message = format!("file name with a line break in a Go module zip: {name:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let sum = sha256(&mut entry)?;
        files.push((name, sum));
    }
    files.sort();
    Ok(hash1(Algo::GoZip, files))
}

fn hash1(algo: Algo, files: impl IntoIterator<Item = (String, [u8; 32])>) -> Digest {
    let mut all = Sha256::new();
    for (name, sum) in files {
        all.update(format!("{}  {name}\n", HEXLOWER.encode(&sum)));
    }
    Digest::new(algo, &all.finalize()).expect("SHA-256 has 32 bytes")
}

fn sha256(reader: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
