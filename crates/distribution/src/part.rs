//! A part of a blob as the body of a request: read as it is sent, and told of as it goes. Knows files; not where
//! the bytes go.

use std::io;

use akbuild_tree::TreeFile;
use futures::Stream;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::{Content, DistributionError, blocking};

/// How many bytes are read at once.
const PIECE: u64 = 256 << 10;

/// A part of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) content: Content,
    pub(crate) from: u64,
    pub(crate) bytes: u64,
}

/// What the sending of a part tells: so many bytes more have been taken, or they cannot be read.
pub(crate) type Told = UnboundedReceiver<Result<u64, DistributionError>>;

impl Part {
    /// The bytes, and what is told of them.
    pub(crate) fn stream(&self) -> (impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static, Told) {
        let (tell, told) = unbounded();
        let reading = Reading { source: Source::new(&self.content), at: self.from, left: self.bytes, tell };
        (futures::stream::try_unfold(reading, Reading::next), told)
    }
}

enum Source {
    Closed(TreeFile),
    Open(TreeFile, tokio::fs::File),
    Bytes(std::sync::Arc<[u8]>),
}

impl Source {
    fn new(content: &Content) -> Self {
        match content {
            Content::File(file) => Source::Closed(file.clone()),
            Content::Bytes(bytes) => Source::Bytes(bytes.clone()),
        }
    }
}

struct Reading {
    source: Source,
    at: u64,
    left: u64,
    tell: UnboundedSender<Result<u64, DistributionError>>,
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Vec<u8>, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        match self.read().await {
            Ok(piece) => {
                let bytes = piece.len() as u64;
                self.at += bytes;
                self.left -= bytes;
                // Nobody listens any more if the answer has come already.
                let _ = self.tell.unbounded_send(Ok(bytes));
                Ok(Some((piece, self)))
            }
            Err(error) => {
                let _ = self.tell.unbounded_send(Err(error));
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<u8>, DistributionError> {
        let wanted = self.left.min(PIECE);
        if let Source::Closed(file) = &self.source {
            let (from, open) = (file.clone(), file.clone());
            let mut file = tokio::fs::File::from_std(blocking::run(move || open.open()).await?);
            let sought = file.seek(io::SeekFrom::Start(self.at)).await;
            sought.map_err(DistributionError::io("read", &from.shown_path()))?;
            self.source = Source::Open(from, file);
        }
        let mut piece = Vec::new();
        match &mut self.source {
            Source::Open(from, file) => {
                piece.reserve_exact(wanted as usize);
                let read = file.take(wanted).read_to_end(&mut piece).await;
                let read = read.and_then(|n| if n == 0 { Err(shorter()) } else { Ok(n) });
                read.map_err(DistributionError::io("read", &from.shown_path()))?;
            }
            Source::Bytes(bytes) => {
                let (from, to) = (self.at as usize, (self.at + wanted) as usize);
                piece.extend_from_slice(bytes.get(from..to).unwrap_or_default());
            }
            Source::Closed(_) => {}
        }
        Ok(piece)
    }
}

fn shorter() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it has become shorter")
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, TryStreamExt};

    use super::*;

    fn file(folder: &tempfile::TempDir) -> Content {
        let tree = akbuild_tree::TreeDir::open(folder.path(), "the layout").unwrap();
        Content::File(TreeFile::new(&std::sync::Arc::new(tree), "blob"))
    }

    async fn collect(part: &Part) -> (io::Result<Vec<u8>>, Vec<Result<u64, String>>) {
        let (stream, told) = part.stream();
        let bytes = stream.try_concat().await;
        (bytes, told.map(|t| t.map_err(|e| e.to_string())).collect().await)
    }

    #[tokio::test]
    async fn a_part_of_a_file_comes_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let bytes: Vec<u8> = (0..3 * PIECE).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let part = Part { content: file(&folder), from: 7, bytes: 2 * PIECE };
        let (sent, told) = collect(&part).await;
        assert_eq!(sent.unwrap(), bytes[7..7 + 2 * PIECE as usize]);
        assert_eq!(told, [Ok(PIECE), Ok(PIECE)]);
        let (sent, _) = collect(&Part { content: Content::Bytes(bytes.as_slice().into()), ..part }).await;
        assert_eq!(sent.unwrap(), bytes[7..7 + 2 * PIECE as usize]);
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        std::fs::write(&path, "short").unwrap();
        let (sent, told) = collect(&Part { content: file(&folder), from: 3, bytes: 9 }).await;
        assert!(sent.is_err());
        let text = told[1].as_ref().unwrap_err().replace(&path.display().to_string(), "BLOB");
        insta::assert_snapshot!(text, @"cannot read BLOB: it has become shorter");
    }
}
