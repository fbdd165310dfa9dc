//! How two ELF files differ, section by section. Knows what sections are for; not how headers are laid out.

mod sections;

use std::collections::HashMap;
use std::io;

use serde::Serialize;

use self::sections::{Section, sections};
use crate::bytes::BytesDiff;
use crate::field::Fields;
use crate::part::{self, Part, Span};
use crate::room::Room;
use crate::strings::Strings;
use crate::words::{clean, count, size};

/// How much of a section with strings is searched for those that differ.
const NEAR: usize = 4 << 20;
/// Sections that hold strings; a name also stands for those that it begins.
const STRINGS: [&str; 10] = [
    ".comment",
    ".rodata",
    ".debug_str",
    ".debug_line_str",
    ".note.",
    ".interp",
    ".dynstr",
    ".strtab",
    ".go.buildinfo",
    ".shstrtab",
];

/// The section whose value is a hash.
const BUILD_ID: &[u8] = b".note.gnu.build-id";

/// The sections of two ELF files that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElfDiff {
    /// Sections before.
    pub old_sections: usize,
    /// Sections now.
    pub new_sections: usize,
    /// How many sections differ, or are in one of the files only.
    pub differing: usize,
    /// The first of these, in the order of the new file and then of the old.
    pub sections: Vec<SectionDiff>,
    /// The build id, if it differs: in hexadecimal, or as Go writes it.
    pub build_id: Fields,
    /// How the files differ, if their sections do not, and there is room to say so.
    pub outside: Option<BytesDiff>,
}

/// A section that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionDiff {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: SectionChange,
    /// Strings that are on one side only, of a section that holds such.
    pub strings: Strings,
}

/// What became of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionChange {
    /// It is in the new file only.
    Added {
        /// Bytes now.
        size: u64,
    },
    /// It is in the old file only.
    Removed {
        /// Bytes before.
        size: u64,
    },
    /// It has other contents, or another size.
    Content {
        /// Bytes before.
        old_size: u64,
        /// Bytes now.
        new_size: u64,
        /// The first offset within it that differs.
        first: u64,
        /// At how many offsets that both have the bytes differ.
        differing: u64,
    },
}

impl ElfDiff {
    pub(crate) fn of(old: Part<'_>, new: Part<'_>, room: &mut Room) -> io::Result<Self> {
        let (olds, news) = (sections(old)?, sections(new)?);
        let mut found = Self {
            old_sections: olds.len(),
            new_sections: news.len(),
            differing: 0,
            sections: Vec::new(),
            build_id: build_id(&olds, &news, room)?,
            outside: None,
        };
        let mut left: HashMap<_, _> = olds.iter().map(|s| (s.key(), s)).collect();
        for new in &news {
            found.section(left.remove(&new.key()), Some(new), room)?;
        }
        for old in olds.iter().filter(|s| left.contains_key(&s.key())) {
            found.section(Some(old), None, room)?;
        }
        if found.differing == 0 {
            found.outside = BytesDiff::within(old, new, room)?;
        }
        Ok(found)
    }

    fn section(&mut self, old: Option<&Section<'_>>, new: Option<&Section<'_>>, room: &mut Room) -> io::Result<()> {
        let Some(section) = new.or(old) else { return Ok(()) };
        let change = match (old, new) {
            (Some(old), None) => SectionChange::Removed { size: old.size },
            (None, Some(new)) => SectionChange::Added { size: new.size },
            (Some(old), Some(new)) => {
                // Sections may overlap: together they can be much more than the file.
                room.meter().spend(old.content.size.max(new.content.size))?;
                let span = match part::span(old.content, new.content)? {
                    Some(span) => span,
                    None if old.size == new.size => return Ok(()),
                    None => Span { first: old.size.min(new.size), differing: 0 },
                };
                let (old_size, new_size) = (old.size, new.size);
                SectionChange::Content { old_size, new_size, first: span.first, differing: span.differing }
            }
            (None, None) => return Ok(()),
        };
        self.differing += 1;
        if room.take(1) == 0 {
            return Ok(());
        }
        let strings = match (&change, old, new) {
            (SectionChange::Content { first, .. }, Some(old), Some(new)) if holds_strings(&section.name) => {
                room.share(|room| Strings::find(old.content, new.content, *first, NEAR, room))?
            }
            _ => Strings::default(),
        };
        self.sections.push(SectionDiff { name: clean(&section.name), change, strings });
        Ok(())
    }

    pub(crate) fn headline(&self) -> String {
        let all = self.old_sections.max(self.new_sections);
        match self.differing {
            0 => "ELF: the same sections; headers or what lies between differs".to_owned(),
            1 => format!("ELF: 1 of {} differs", count(all, "section")),
            n => format!("ELF: {n} of {} differ", count(all, "section")),
        }
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        self.build_id.lines("", out);
        for section in &self.sections {
            out.push(format!("{}: {}", section.name, section.change));
            let mut strings = Vec::new();
            section.strings.lines(&mut strings);
            out.extend(strings.iter().map(|line| format!("  {line}")));
        }
        if let Some(outside) = &self.outside {
            out.push(outside.headline());
            outside.details(out);
        }
    }
}

impl std::fmt::Display for SectionChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { size: bytes } => write!(f, "added, {}", size(*bytes)),
            Self::Removed { size: bytes } => write!(f, "removed, {}", size(*bytes)),
            Self::Content { old_size, new_size, first, differing } if old_size == new_size => {
                let differ = if *differing == 1 { "differs" } else { "differ" };
                write!(f, "{differing} of {new_size} bytes {differ}, first at offset {first:#x}")
            }
            Self::Content { old_size, new_size, first, .. } => {
                write!(f, "{} -> {}, first difference at offset {first:#x}", size(*old_size), size(*new_size))
            }
        }
    }
}

fn holds_strings(name: &[u8]) -> bool {
    name != BUILD_ID && STRINGS.iter().any(|s| name.starts_with(s.as_bytes()))
}

/// The build ids, if both have one and they differ. A note is: sizes of name and value, type, name, value.
fn build_id(olds: &[Section<'_>], news: &[Section<'_>], room: &mut Room) -> io::Result<Fields> {
    let names: [(&[u8], bool); 2] = [(BUILD_ID, false), (b".note.go.buildid", true)];
    for (name, text) in names {
        let value = |all: &[Section<'_>]| -> io::Result<Option<String>> {
            let Some(section) = all.iter().find(|s| *s.name == *name) else { return Ok(None) };
            let note = section.content.bytes(0, 256)?;
            let value = note.get(16..).filter(|v| !v.is_empty());
            let hex = |v: &[u8]| v.iter().map(|b| format!("{b:02x}")).collect();
            Ok(value.map(|v| if text { clean(v.trim_ascii_end()) } else { hex(v) }))
        };
        if let (Some(old), Some(new)) = (value(olds)?, value(news)?)
            && old != new
        {
            return Ok(Fields::differing(["build id"], [old], [new], room));
        }
    }
    Ok(Fields::default())
}
