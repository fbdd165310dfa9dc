//! pkt-lines: the framing of git's wire protocol (gitprotocol-common(5)). Knows frames, not their meaning.

use std::io::{self, Read};

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pkt {
    /// `0000`
    Flush,
    /// Some bytes.
    Data(Vec<u8>),
}

/// Reads one frame; `None` at the end of the stream.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Pkt>> {
    let mut head = [0u8; 4];
    let first = from.read(&mut head)?;
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(&mut head[first..])?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "this is not git's smart HTTP protocol");
    let length = std::str::from_utf8(&head).ok().and_then(|h| usize::from_str_radix(h, 16).ok()).ok_or_else(wrong)?;
    match length {
        0..=3 => Ok(Some(Pkt::Flush)),
        _ => {
            let mut data = vec![0; length - 4];
            from.read_exact(&mut data)?;
            Ok(Some(Pkt::Data(data)))
        }
    }
}

/// Writes one frame of text.
pub(super) fn line(out: &mut Vec<u8>, text: &str) {
    out.extend(format!("{:04x}{text}", text.len() + 4).as_bytes());
}

/// Writes a flush frame.
pub(super) fn flush(out: &mut Vec<u8>) {
    out.extend(b"0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back() {
        let mut bytes = Vec::new();
        line(&mut bytes, "want 1\n");
        flush(&mut bytes);
        assert_eq!(bytes, b"000bwant 1\n0000");
        let mut from = &bytes[..];
        assert_eq!(read(&mut from).unwrap(), Some(Pkt::Data(b"want 1\n".to_vec())));
        assert_eq!(read(&mut from).unwrap(), Some(Pkt::Flush));
        assert_eq!(read(&mut from).unwrap(), None);
    }

    #[test]
    fn other_answers_are_told_apart() {
        let error = read(&mut &b"<html>"[..]).unwrap_err();
        assert_eq!(error.to_string(), "this is not git's smart HTTP protocol");
        assert!(read(&mut &b"0010short"[..]).is_err());
    }
}
