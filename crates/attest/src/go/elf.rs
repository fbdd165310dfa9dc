//! Where in an ELF file Go's build information lies. Knows headers only, and trusts none of them.

use goblin::container::{Container, Ctx};
use goblin::elf::Elf;
use goblin::elf::header::{ELFCLASS64, Header};
use goblin::elf::program_header::{PF_W, PF_X, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHT_NOBITS, SectionHeader};

use super::error::GoError;

const SECTION: &[u8] = b".go.buildinfo\0";

/// Address and bytes of the section `.go.buildinfo`; if there is none, as after some ways to strip a program, of the first
/// segment with data. That is where the standard library's `debug/buildinfo` looks.
pub(super) fn data(elf: &[u8]) -> Result<(u64, &[u8]), GoError> {
    let header = Elf::parse_header(elf).map_err(|_| GoError::Elf)?;
    let container = if header.e_ident[4] == ELFCLASS64 { Container::Big } else { Container::Little };
    let ctx = Ctx::new(container, header.endianness().map_err(|_| GoError::Elf)?);
    section(elf, &header, ctx).or_else(|| segment(elf, &header, ctx)).ok_or(GoError::NoBuildInfo)
}

fn section<'a>(elf: &'a [u8], header: &Header, ctx: Ctx) -> Option<(u64, &'a [u8])> {
    let start = usize::try_from(header.e_shoff).ok().filter(|start| *start < elf.len())?;
    let headers = SectionHeader::parse_from(elf, start, header.e_shnum.into(), ctx).ok()?;
    let names = headers.get(usize::from(header.e_shstrndx))?;
    let names = part(elf, names.sh_offset, names.sh_size)?;
    let named = |h: &&SectionHeader| names.get(h.sh_name..).is_some_and(|name| name.starts_with(SECTION));
    let section = headers.iter().find(named).filter(|h| h.sh_type != SHT_NOBITS)?;
    Some((section.sh_addr, part(elf, section.sh_offset, section.sh_size)?))
}

fn segment<'a>(elf: &'a [u8], header: &Header, ctx: Ctx) -> Option<(u64, &'a [u8])> {
    let start = usize::try_from(header.e_phoff).ok().filter(|start| *start < elf.len())?;
    let headers = ProgramHeader::parse(elf, start, header.e_phnum.into(), ctx).ok()?;
    let data = headers.iter().find(|h| h.p_type == PT_LOAD && h.p_flags & (PF_X | PF_W) == PF_W)?;
    Some((data.p_vaddr, part(elf, data.p_offset, data.p_filesz)?))
}

fn part(elf: &[u8], start: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    elf.get(start..end)
}
