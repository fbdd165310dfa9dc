//! Reading entries: the framing, the compression and the digests. Trusts nothing in the file; knows nothing of what
//! is in the entries.

use std::io::{self, BufRead, BufReader, Read};

use akbuild_nar::{Algo, Digest, Hasher};
use zstd::stream::read::Decoder;

use crate::ExportError;
use crate::item::{END, Item, LONGEST};
use crate::write::MAGIC;

/// The longest piece.
const PIECE: u32 = 1 << 20;

/// Reads entries, one after the other: [`Reader::next`], then its contents to their end.
pub(crate) struct Reader<'a, R: Read> {
    input: Decoder<'static, BufReader<Summed<'a, R>>>,
    /// Of all that was read from the frame.
    hasher: Hasher,
    last: Option<Item>,
    /// Bytes of the present piece that are still to come.
    left: u32,
    /// Whether contents of the last entry are still to come.
    open: bool,
    /// Whether the one after it is being looked for.
    after: bool,
    fault: Option<String>,
}

/// Hashes what passes, and tells of it.
struct Summed<'a, R> {
    input: R,
    hasher: Hasher,
    progress: &'a mut dyn FnMut(u64) -> bool,
    stopped: bool,
}

impl<'a, R: Read> Reader<'a, R> {
    /// Begins to read. `progress` is told how many bytes more have been read, and says whether to go on.
    pub(crate) fn new(input: R, progress: &'a mut dyn FnMut(u64) -> bool) -> Result<Self, ExportError> {
        let hasher = Hasher::new(Algo::Sha256);
        let mut input = BufReader::new(Summed { input, hasher: hasher.clone(), progress, stopped: false });
        let mut magic = Vec::new();
        let read = input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic);
        if input.get_ref().stopped {
            return Err(ExportError::Stopped);
        }
        read.map_err(|e| broken("at its beginning".into(), unreadable(&e)))?;
        if magic != MAGIC {
            let ours = magic.starts_with(b"akbuild-export-");
            return Err(if ours { ExportError::Version } else { ExportError::NotOne });
        }
        let input = Decoder::with_buffer(input).map_err(|e| broken("at its beginning".into(), e.to_string()))?;
        Ok(Self { input: input.single_frame(), hasher, last: None, left: 0, open: false, after: true, fault: None })
    }

    /// The next entry; `None` after the last one, when it is certain that nothing is missing.
    pub(crate) fn next(&mut self) -> Result<Option<Item>, ExportError> {
        self.after = true;
        match self.read_header() {
            Ok(Some(item)) => {
                (self.open, self.after) = (true, false);
                self.last = Some(item.clone());
                Ok(Some(item))
            }
            Ok(None) => self.read_end().map(|()| None).map_err(|e| self.broken(unreadable(&e))),
            Err(error) => Err(self.broken(unreadable(&error))),
        }
    }

    /// The digest of the whole file, of which everything has been read.
    pub(crate) fn digest(self) -> Digest {
        self.input.finish().into_inner().hasher.finish()
    }

    /// Why the contents could not be read to their end, if that is what went wrong.
    pub(crate) fn fault(&mut self) -> Option<ExportError> {
        if self.input.get_ref().get_ref().stopped {
            return Some(ExportError::Stopped);
        }
        let fault = self.fault.take()?;
        Some(self.broken(fault))
    }

    /// An error of the present entry, or of what stands after it.
    pub(crate) fn broken(&self, problem: String) -> ExportError {
        if self.input.get_ref().get_ref().stopped {
            return ExportError::Stopped;
        }
        let at = match &self.last {
            Some(item) if self.after => format!("after `{item}`"),
            Some(item) => format!("at `{item}`"),
            None => "at its beginning".to_owned(),
        };
        broken(at, problem)
    }

    fn read_header(&mut self) -> io::Result<Option<Item>> {
        let mut length = [0; 2];
        self.fill(&mut length)?;
        let length = usize::from(u16::from_le_bytes(length));
        if length > LONGEST {
            return Err(io::Error::other(format!("a header of {length} bytes")));
        }
        let mut text = vec![0; length];
        self.fill(&mut text)?;
        if text == END.as_bytes() {
            return Ok(None);
        }
        let item = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<Item>().ok());
        let item = item.ok_or_else(|| io::Error::other(format!("`{}` is no header", text.escape_ascii())))?;
        if self.last.as_ref().is_some_and(|last| *last >= item) {
            return Err(io::Error::other(format!("`{item}` stands in the wrong place")));
        }
        Ok(Some(item))
    }

    /// The end: no contents, the digest, and nothing more.
    fn read_end(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        if length != [0; 4] {
            return Err(io::Error::other("the end has contents"));
        }
        self.check()?;
        let more = self.input.read(&mut [0])? > 0 || !self.input.get_mut().fill_buf()?.is_empty();
        if more { Err(io::Error::other("something follows the end")) } else { Ok(()) }
    }

    /// Reads the digest of all that stands before, and compares.
    fn check(&mut self) -> io::Result<()> {
        let expected = self.hasher.clone().finish();
        let mut found = [0; 32];
        self.fill(&mut found)?;
        let same = found == expected.as_bytes();
        if same { Ok(()) } else { Err(io::Error::other("the digest behind it is another than that of its bytes")) }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn read_piece(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let mut length = [0; 4];
            self.fill(&mut length)?;
            self.left = u32::from_le_bytes(length);
            if self.left > PIECE {
                return Err(io::Error::other(format!("a piece of {} bytes", self.left)));
            }
        }
        if self.left == 0 {
            self.check()?;
            self.open = false;
            return Ok(0);
        }
        let most = buffer.len().min(self.left as usize);
        let n = self.input.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.hasher.update(&buffer[..n]);
        self.left -= n as u32;
        Ok(n)
    }
}

/// The contents of the present entry. At their end they have been compared with their digest.
impl<R: Read> Read for Reader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.open || buffer.is_empty() {
            return Ok(0);
        }
        if self.fault.is_some() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.read_piece(buffer).inspect_err(|error| self.fault = Some(unreadable(error)))
    }
}

impl<R: Read> Read for Summed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.stopped |= !(self.progress)(n as u64);
        if self.stopped { Err(io::Error::other("stopped")) } else { Ok(n) }
    }
}

fn broken(at: String, problem: String) -> ExportError {
    ExportError::Broken { at, problem }
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends there".to_owned(),
        _ => error.to_string(),
    }
}
