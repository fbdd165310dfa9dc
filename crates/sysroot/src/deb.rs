//! The `.deb` container (deb(5)): an ar archive of `debian-binary`, `control.tar` and `data.tar`. Knows
//! where the parts are and how they are compressed; writes nothing.
#![allow(clippy::disallowed_methods, reason = "packages are downloads of the store, which akbuild names")]

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::control::Paragraph;
use crate::{DebPin, SysrootError};

/// No package may unpack to more bytes.
pub(crate) const MAX_BYTES: u64 = 16 << 30;
/// No package may have more members.
pub(crate) const MAX_MEMBERS: usize = 2_000_000;
/// No `control.tar` may be larger.
const MAX_CONTROL: u64 = 64 << 20;

/// An opened package.
pub(crate) struct Deb {
    /// Name and version, for messages.
    pub(crate) label: String,
    path: PathBuf,
    /// The `control` file, as it is.
    pub(crate) control_text: String,
    pub(crate) control: Paragraph,
    /// Maintainer scripts and other files of `control.tar`, by name.
    pub(crate) scripts: HashMap<String, String>,
    data: Part,
}

/// Where a compressed tar archive lies in the file.
#[derive(Clone)]
struct Part {
    name: String,
    offset: u64,
    size: u64,
}

impl Deb {
    /// Reads the container and the whole of `control.tar`.
    pub(crate) fn open(path: &Path, pin: &DebPin) -> Result<Deb, SysrootError> {
        let label = format!("{} {}", pin.name, pin.version);
        let bad = |why: String| SysrootError::Deb { package: label.clone(), path: path.to_owned(), why };
        let mut file = File::open(path).map_err(SysrootError::io("open", path))?;
        let parts = parts(&mut file).map_err(|e| bad(e.to_string()))?;
        let part = |stem: &str| {
            let found = parts.iter().find(|p| p.name == stem || p.name.starts_with(&format!("{stem}.")));
            found.cloned().ok_or_else(|| bad(format!("it has no `{stem}`")))
        };
        let files = control_files(&file, &part("control.tar")?).map_err(|e| bad(format!("control.tar: {e}")))?;
        let control_text = files.get("control").cloned().ok_or_else(|| bad("control.tar has no `control`".into()))?;
        let control = Paragraph::parse(&control_text);
        if (control.get("package"), control.get("version")) != (&pin.name, &pin.version) {
            let found = format!("{} {}", control.get("package"), control.get("version"));
            return Err(bad(format!("it says that it is {found}")));
        }
        Ok(Deb { data: part("data.tar")?, path: path.to_owned(), control_text, control, scripts: files, label })
    }

    /// The uncompressed `data.tar`.
    pub(crate) fn data(&self) -> Result<Box<dyn Read + Send>, SysrootError> {
        let file = File::open(&self.path).map_err(SysrootError::io("open", &self.path))?;
        reader(file, &self.data).map_err(|e| self.bad(e.to_string()))
    }

    /// An error about this package.
    pub(crate) fn bad(&self, why: String) -> SysrootError {
        SysrootError::Deb { package: self.label.clone(), path: self.path.clone(), why }
    }
}

/// The members of the ar archive.
fn parts(file: &mut File) -> io::Result<Vec<Part>> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let length = file.metadata()?.len();
    let mut magic = [0; 8];
    file.read_exact(&mut magic)?;
    if &magic != b"!<arch>\n" {
        return Err(wrong("it is no ar archive"));
    }
    let (mut all, mut at) = (Vec::new(), 8);
    while at + 60 <= length {
        let mut header = [0; 60];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let field = |range: std::ops::Range<usize>| std::str::from_utf8(&header[range]).map(str::trim);
        let name = field(0..16).map_err(|_| wrong("a member's name is not UTF-8"))?.trim_end_matches('/').to_owned();
        let size: u64 = field(48..58).ok().and_then(|s| s.parse().ok()).ok_or_else(|| wrong("a member has no size"))?;
        if header[58..] != *b"`\n" || size > length - at - 60 {
            return Err(wrong("a member is longer than the file"));
        }
        all.push(Part { name, offset: at + 60, size });
        at += 60 + size + size % 2;
    }
    match all.first() {
        Some(first) if first.name == "debian-binary" => {}
        _ => return Err(wrong("its first member is not `debian-binary`")),
    }
    Ok(all)
}

fn reader(mut file: File, part: &Part) -> io::Result<Box<dyn Read + Send>> {
    file.seek(SeekFrom::Start(part.offset))?;
    let raw = BufReader::with_capacity(1 << 17, file.take(part.size));
    Ok(match part.name.rsplit_once('.').map(|(_, end)| end) {
        Some("xz") => Box::new(liblzma::read::XzDecoder::new_multi_decoder(raw)),
        Some("zst") => Box::new(zstd::Decoder::with_buffer(raw)?),
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(raw)),
        Some("tar") => Box::new(raw),
        _ => return Err(io::Error::new(io::ErrorKind::Unsupported, format!("unknown compression of `{}`", part.name))),
    })
}

fn control_files(file: &File, part: &Part) -> io::Result<HashMap<String, String>> {
    let reader = reader(file.try_clone()?, part)?.take(MAX_CONTROL);
    let mut files = HashMap::new();
    for entry in tar::Archive::new(reader).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(files)
}
