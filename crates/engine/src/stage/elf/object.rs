//! One ELF file: what it is, and what it needs of a running system. Knows the format; looks nothing up.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use akbuild_tree::TreeDir;
use goblin::elf::header::{ET_CORE, ET_DYN, ET_EXEC, ET_REL, Header};
use goblin::elf::section_header::{SHF_EXECINSTR, SHT_NOBITS, SectionHeader};
use goblin::elf::{Elf, program_header::PT_INTERP};

use crate::error::{EngineError, Io};

/// A program that may be loaded anywhere, by its flags.
const DF_1_PIE: u64 = 0x0800_0000;
/// A version that may be missing, by its flags.
const VER_FLG_WEAK: u16 = 2;
/// The machine that this program is for.
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = goblin::elf::header::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = goblin::elf::header::EM_AARCH64;
#[cfg(target_arch = "riscv64")]
const MACHINE: u16 = goblin::elf::header::EM_RISCV;

/// What an ELF file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ElfKind {
    /// A program that is started with a loader.
    Program,
    /// A program that needs neither a loader nor a library.
    StaticProgram,
    /// What a program loads.
    Library,
    /// A part of programs, or of the kernel.
    Object,
    /// What a debugger reads beside a program.
    Debug,
    /// For another kind of machine.
    Foreign,
    /// Begins as an ELF file does.
    Damaged,
}

/// What a program or a library needs.
#[derive(Debug, Default)]
pub(super) struct ElfNeeds {
    /// The loader.
    pub(super) interpreter: Option<String>,
    /// Names of libraries, in their order.
    pub(super) libraries: Vec<String>,
    /// Versions that a library must define, with the library's name.
    pub(super) versions: Vec<(String, String)>,
    /// Where libraries are looked for first, as the file says.
    pub(super) searched: Vec<String>,
}

/// Reads a file; `None` if it is no ELF file.
pub(super) fn read(tree: &TreeDir, file: &Path, exec: bool) -> Result<Option<(ElfKind, ElfNeeds)>, EngineError> {
    let mut open = tree.file(file)?;
    let mut bytes = vec![0; 4];
    match open.read_exact(&mut bytes) {
        Ok(()) if bytes == *b"\x7fELF" => {}
        _ => return Ok(None),
    }
    open.read_to_end(&mut bytes).doing("read", file)?;
    Ok(Some(parse(&bytes, exec)))
}

fn parse(bytes: &[u8], exec: bool) -> (ElfKind, ElfNeeds) {
    let other = |kind| (kind, ElfNeeds::default());
    let Ok(header) = Elf::parse_header(bytes) else { return other(ElfKind::Damaged) };
    match header.e_type {
        _ if header.e_machine != MACHINE => return other(ElfKind::Foreign),
        ET_REL => return other(ElfKind::Object),
        ET_CORE => return other(ElfKind::Debug),
        ET_EXEC | ET_DYN => {}
        _ => return other(ElfKind::Damaged),
    }
    if is_debug(bytes, &header) {
        return other(ElfKind::Debug);
    }
    let Ok(elf) = Elf::parse(bytes) else { return other(ElfKind::Damaged) };
    let needs = needs(&elf);
    (kind(&elf, &needs, exec), needs)
}

/// Whether the file has the sections of a program, and the code of none.
fn is_debug(bytes: &[u8], header: &Header) -> bool {
    let (Ok(container), Ok(order)) = (header.container(), header.endianness()) else { return false };
    let ctx = goblin::container::Ctx::new(container, order);
    let (offset, count) = (header.e_shoff as usize, header.e_shnum as usize);
    let sections = SectionHeader::parse(bytes, offset, count, ctx).unwrap_or_default();
    let code = || sections.iter().filter(|section| section.sh_flags & u64::from(SHF_EXECINSTR) != 0);
    code().next().is_some() && code().all(|section| section.sh_type == SHT_NOBITS)
}

fn kind(elf: &Elf<'_>, needs: &ElfNeeds, exec: bool) -> ElfKind {
    let flags = elf.dynamic.as_ref().map_or(0, |dynamic| dynamic.info.flags_1);
    let is_executable = elf.header.e_type == ET_EXEC || flags & DF_1_PIE != 0;
    // Older linkers do not say which of the two a file is that may be loaded anywhere.
    let seems_so = exec && elf.entry != 0 && elf.soname.is_none();
    let has_loader = elf.program_headers.iter().any(|header| header.p_type == PT_INTERP);
    match (has_loader, needs.libraries.is_empty()) {
        // The C library can be started too.
        (true, _) if elf.soname.is_some() && !is_executable => ElfKind::Library,
        (true, _) => ElfKind::Program,
        (false, true) if is_executable || seems_so => ElfKind::StaticProgram,
        (false, _) => ElfKind::Library,
    }
}

fn needs(elf: &Elf<'_>) -> ElfNeeds {
    let paths = if elf.runpaths.is_empty() { &elf.rpaths } else { &elf.runpaths };
    let mut versions = Vec::new();
    for library in elf.verneed.iter().flat_map(|section| section.iter()) {
        let Some(name) = elf.dynstrtab.get_at(library.vn_file) else { continue };
        for version in library.iter().filter(|version| version.vna_flags & VER_FLG_WEAK == 0) {
            versions.extend(elf.dynstrtab.get_at(version.vna_name).map(|text| (name.to_owned(), text.to_owned())));
        }
    }
    ElfNeeds {
        interpreter: elf.interpreter.map(str::to_owned),
        libraries: elf.libraries.iter().map(|name| (*name).to_owned()).collect(),
        versions,
        searched: paths.iter().flat_map(|path| path.split(':')).map(str::to_owned).collect(),
    }
}

/// The versions that a library defines, none of one without versions; `None` if the loader would not take it.
pub(super) fn defined_versions(tree: &TreeDir, file: &Path) -> Option<BTreeSet<String>> {
    let bytes = tree.read(file).ok()?;
    let elf = Elf::parse(&bytes).ok().filter(|elf| elf.header.e_machine == MACHINE && elf.header.e_type == ET_DYN)?;
    let defined = elf.verdef.iter().flat_map(|section| section.iter());
    let names =
        defined.filter_map(|version| version.iter().next().and_then(|name| elf.dynstrtab.get_at(name.vda_name)));
    Some(names.map(str::to_owned).collect())
}
