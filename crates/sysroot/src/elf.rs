//! As much of an ELF file as the dynamic linker's cache wants: machine and `DT_SONAME` of 64-bit
//! little-endian shared objects. Knows no folder.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// A shared object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// `e_machine`.
    pub(crate) machine: u16,
    /// `DT_SONAME`, if it has one.
    pub(crate) soname: Option<String>,
}

const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
/// No table that is read here is larger in a file that a linker made.
const MAX_TABLE: u64 = 1 << 20;

/// Reads a file; `None` if it is no such object (a linker script, another class, damaged).
pub(crate) fn read(file: &File) -> Option<Shared> {
    let head = bytes(file, 0, 64)?;
    let class_and_order = [2, 1];
    if &head[..4] != b"\x7fELF" || head[4..6] != class_and_order || u16_at(&head, 16) != ET_DYN {
        return None;
    }
    dynamic(file, &head).map(|soname| Shared { machine: u16_at(&head, 18), soname })
}

/// The soname of an object with a dynamic section; `None` without one.
fn dynamic(file: &File, head: &[u8]) -> Option<Option<String>> {
    let size = u64::from(u16_at(head, 54)).max(56);
    let headers = bytes(file, u64_at(head, 32), size * u64::from(u16_at(head, 56)))?;
    let of_kind = |kind| headers.chunks_exact(size as usize).filter(move |h| u32_at(h, 0) == kind);
    let section = of_kind(PT_DYNAMIC).next()?;
    let table = bytes(file, u64_at(section, 8), u64_at(section, 32))?;
    let value = |tag| table.chunks_exact(16).find(|e| u64_at(e, 0) == tag).map(|e| u64_at(e, 8));
    let Some(name) = value(DT_SONAME) else { return Some(None) };
    let address = value(DT_STRTAB)?;
    // The table's place is an address: the segment that holds it says where that is in the file.
    let segment =
        of_kind(PT_LOAD).find(|h| (u64_at(h, 16)..u64_at(h, 16).saturating_add(u64_at(h, 32))).contains(&address))?;
    let offset = (address - u64_at(segment, 16)).checked_add(u64_at(segment, 8))?.checked_add(name)?;
    let mut buffer = [0; 256];
    let read = file.read_at(&mut buffer, offset).ok()?;
    let end = buffer[..read].iter().position(|b| *b == 0)?;
    Some(Some(String::from_utf8_lossy(&buffer[..end]).into_owned()))
}

fn bytes(file: &File, offset: u64, length: u64) -> Option<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(length).ok().filter(|_| length <= MAX_TABLE)?];
    file.read_exact_at(&mut buffer, offset).ok()?;
    Some(buffer)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
