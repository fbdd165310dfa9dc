//! tar archives. Knows the kinds of members that tar has; where they go is [`Place`]'s business.

use std::io::{self, Read};

use tar::{Archive, EntryType};

use super::ArchiveError;
use super::error::MemberFault;
use super::place::Place;

pub(super) fn unpack(from: impl Read, place: &mut Place<'_>) -> Result<(), ArchiveError> {
    let mut archive = Archive::new(from);
    let entries = archive.entries().map_err(|e| place.reading(e))?;
    for entry in entries {
        let mut entry = entry.map_err(|e| place.reading(e))?;
        let member = entry.path_bytes().into_owned();
        let executable = entry.header().mode().map_err(|e| place.reading(e))? & 0o100 != 0;
        let target = entry.link_name_bytes().map(|t| t.into_owned()).unwrap_or_default();
        match entry.header().entry_type() {
            // Old archives mark a folder by a slash at the end of its name only.
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse if member.ends_with(b"/") => {
                place.folder(&member)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                place.file(&member, executable, &mut entry)?;
            }
            EntryType::Directory => place.folder(&member)?,
            EntryType::Symlink => place.link(&member, &target)?,
            EntryType::Link => place.hard_link(&member, &target)?,
            EntryType::XGlobalHeader => {}
            _ => return Err(place.fault(&member, MemberFault::Special)),
        }
    }
    // The rest is read too, so that a damaged end is noticed and a checksum of the compression is compared.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|e| place.reading(e))?;
    Ok(())
}
