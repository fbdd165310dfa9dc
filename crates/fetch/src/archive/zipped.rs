//! zip archives, and so wheels. Knows how zip keeps Unix modes and links; where members go is [`Place`]'s business.

use std::fs::File;
use std::io::{self, BufReader, Read};

use akbuild_nar::repeated_zip_name;
use zip::ZipArchive;
use zip::result::ZipError;

use super::ArchiveError;
use super::error::MemberFault;
use super::place::Place;

const KIND: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FOLDER: u32 = 0o040_000;
const PLAIN: u32 = 0o100_000;
/// The longest target of a link.
const LONGEST_LINK: u64 = 4096;

pub(super) fn unpack(file: File, place: &mut Place<'_>) -> Result<(), ArchiveError> {
    let damaged = |e: ZipError| io::Error::new(io::ErrorKind::InvalidData, e.to_string());
    let mut archive = ZipArchive::new(BufReader::new(&file)).map_err(|e| place.reading(damaged(e)))?;
    let repeated = repeated_zip_name(&file, archive.central_directory_start(), archive.len());
    if let Some(name) = repeated.map_err(|e| place.reading(e))? {
        return Err(place.fault(&name, MemberFault::Twice));
    }
    for number in 0..archive.len() {
        let name = match archive.by_index_raw(number) {
            Ok(entry) => entry.name_raw().to_vec(),
            Err(e) => return Err(place.reading(damaged(e))),
        };
        let mut entry = match archive.by_index(number) {
            Ok(entry) => entry,
            Err(e) => return Err(place.fault(&name, MemberFault::Unreadable(e.to_string()))),
        };
        let mode = entry.unix_mode().unwrap_or(0o644);
        match mode & KIND {
            LINK => {
                let mut target = Vec::new();
                let read = entry.by_ref().take(LONGEST_LINK).read_to_end(&mut target);
                read.map_err(|e| place.reading(e))?;
                place.link(&name, &target)?;
            }
            _ if name.ends_with(b"/") => place.folder(&name)?,
            FOLDER => place.folder(&name)?,
            0 | PLAIN => place.file(&name, mode & 0o100 != 0, &mut entry)?,
            _ => return Err(place.fault(&name, MemberFault::Special)),
        }
    }
    Ok(())
}
