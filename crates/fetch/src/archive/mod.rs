//! Archives, unpacked as if by a stranger's hand. Knows formats by their contents, and that nothing
//! may come to lie, or point, outside the tree.
//!
//! Refused: `..`, absolute names and links, links out of the tree, names below a link or a file, a
//! name twice, devices, and more than [`place::MOST_BYTES`] or [`place::MOST_MEMBERS`]. Kept: the
//! owner's executable bit (files come out 755 or 644). Dropped: owners, times, other bits. Names that
//! differ in case only are two files, as everywhere on Linux.

mod error;
mod place;
mod tarball;
mod zipped;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

pub use error::{ArchiveError, MemberFault};
use place::Place;
pub use place::{StripTop, Unpacked};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Tar,
    TarGz,
    TarXz,
    TarZstd,
    Zip,
}

/// Unpacks an archive (tar, also in gzip, xz or zstd; zip, and so wheels) to `dest`, which is made and
/// must be empty. After an error, `dest` holds part of it and is the caller's to remove.
pub fn unpack_archive(file: &Path, dest: &Path, strip_top: StripTop<'_>) -> Result<Unpacked, ArchiveError> {
    let io = |source| ArchiveError::Read { archive: file.to_owned(), source };
    let mut input = File::open(file).map_err(io)?;
    let format = format_of(&mut input).map_err(io)?;
    let format = format.ok_or_else(|| ArchiveError::Format { archive: file.to_owned() })?;
    let mut place = Place::new(file, dest, strip_top)?;
    match format {
        Format::Zip => zipped::unpack(input, &mut place)?,
        Format::Tar => tarball::unpack(input, &mut place)?,
        Format::TarGz => tarball::unpack(flate2::read::MultiGzDecoder::new(input), &mut place)?,
        Format::TarXz => tarball::unpack(liblzma::read::XzDecoder::new_multi_decoder(input), &mut place)?,
        Format::TarZstd => tarball::unpack(zstd::Decoder::new(input).map_err(io)?, &mut place)?,
    }
    place.finish()
}

/// The format by what the file begins with. An old tar has no mark: then by the sum of its first header.
fn format_of(file: &mut File) -> std::io::Result<Option<Format>> {
    let mut head = Vec::with_capacity(512);
    file.by_ref().take(512).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    let marks: [(&[u8], Format); 5] = [
        (b"\x1f\x8b", Format::TarGz),
        (b"\xfd7zXZ\0", Format::TarXz),
        (b"\x28\xb5\x2f\xfd", Format::TarZstd),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
    ];
    if let Some((_, format)) = marks.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Ok(Some(*format));
    }
    let tar = head.len() == 512 && {
        let sum: u32 =
            head.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
        let written = String::from_utf8_lossy(&head[148..156]);
        let written = u32::from_str_radix(written.trim_matches(|c: char| c == '\0' || c.is_whitespace()), 8);
        written == Ok(sum) || head.iter().all(|b| *b == 0)
    };
    Ok(tar.then_some(Format::Tar))
}
