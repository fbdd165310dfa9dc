//! The sections of an ELF file: where they lie and what they are called. Knows the headers; not what sections are for.

use std::collections::HashMap;
use std::io;

use goblin::container::{Container, Ctx};
use goblin::elf::Elf;
use goblin::elf::header::{ELFCLASS64, Header};
use goblin::elf::section_header::{SHN_XINDEX, SHT_NOBITS, SHT_NULL, SectionHeader};

use crate::part::Part;

/// The most that is read of headers and of names.
const MOST: usize = 8 << 20;
/// The longest name that is kept.
const NAME: usize = 256;

/// A section.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Its name, cut if it is very long.
    pub(super) name: Vec<u8>,
    /// How many of that name lie before it.
    nth: usize,
    /// Bytes in memory.
    pub(super) size: u64,
    /// Its bytes in the file.
    pub(super) content: Part<'a>,
}

impl Section<'_> {
    /// What finds it in the other file.
    pub(super) fn key(&self) -> (&[u8], usize) {
        (&self.name, self.nth)
    }
}

/// All sections, in the order of their headers.
pub(super) fn sections(file: Part<'_>) -> io::Result<Vec<Section<'_>>> {
    let header = Elf::parse_header(&file.bytes(0, 64)?).map_err(io::Error::other)?;
    let headers = section_headers(file, &header)?;
    let names = match u32::from(header.e_shstrndx) {
        SHN_XINDEX => headers.first().map_or(0, |h| h.sh_link as usize),
        index => index as usize,
    };
    let names = headers.get(names).ok_or_else(|| io::Error::other("no table of names"))?;
    let names = file.sub(names.sh_offset, names.sh_size)?.bytes(0, MOST)?;
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut found = Vec::new();
    for header in headers.iter().filter(|h| h.sh_type != SHT_NULL) {
        let name = names.get(header.sh_name..).ok_or_else(|| io::Error::other("a name outside of the table"))?;
        let name: Vec<u8> = name.iter().take(NAME).copied().take_while(|b| *b != 0).collect();
        let content = match header.sh_type {
            SHT_NOBITS => file.sub(0, 0)?,
            _ => file.sub(header.sh_offset, header.sh_size)?,
        };
        let nth = seen.entry(name.clone()).or_default();
        found.push(Section { name, nth: *nth, size: header.sh_size, content });
        *nth += 1;
    }
    if found.is_empty() { Err(io::Error::other("no sections")) } else { Ok(found) }
}

fn section_headers(file: Part<'_>, header: &Header) -> io::Result<Vec<SectionHeader>> {
    let container = if header.e_ident[4] == ELFCLASS64 { Container::Big } else { Container::Little };
    let endianness = header.endianness().map_err(io::Error::other)?;
    let table = file.bytes(header.e_shoff, MOST)?;
    if header.e_shoff == 0 {
        return Err(io::Error::other("no section headers"));
    }
    SectionHeader::parse_from(&table, 0, header.e_shnum.into(), Ctx::new(container, endianness))
        .map_err(io::Error::other)
}
