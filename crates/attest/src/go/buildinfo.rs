//! The bytes of Go's build information, as `debug/buildinfo` of go 1.18 and later reads them. Knows the two texts in it;
//! not what they say.
//!
//! ```text
//! 14 bytes  ff " Go buildinf:"
//!  1 byte   size of a pointer (not used any more)
//!  1 byte   flags: 2 means that the texts follow, and were not pointed to as before go 1.18
//! 16 bytes  nothing
//! uvarint, bytes   version of go
//! uvarint, bytes   modules, between two marks of 16 bytes
//! ```

use super::error::GoError;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGN: u64 = 16;
const HEADER: usize = 32;
const FLAGS: usize = 15;
const INLINE: u8 = 2;
const MARK: usize = 16;

/// The version of go, and the text about modules (empty if there is none). `address` is where the data lies in memory: the
/// information starts at a multiple of 16.
pub(super) fn strings(address: u64, data: &[u8]) -> Result<(&str, &str), GoError> {
    let info = find(address, data).ok_or(GoError::NoBuildInfo)?;
    let header = info.get(..HEADER).ok_or(GoError::Damaged { problem: "its header is cut" })?;
    if header[FLAGS] & INLINE == 0 {
        return Err(GoError::TooOld);
    }
    let (go, rest) = string(&info[HEADER..])?;
    let (modules, _) = string(rest)?;
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| GoError::Damaged { problem: "a text is not UTF-8" });
    Ok((text(go)?, text(unmarked(modules))?))
}

fn find(address: u64, data: &[u8]) -> Option<&[u8]> {
    let first = (ALIGN - address % ALIGN) % ALIGN;
    let starts = (first as usize..data.len()).step_by(ALIGN as usize);
    starts.map(|at| &data[at..]).find(|rest| rest.starts_with(MAGIC))
}

/// A length and so many bytes, and what follows.
fn string(data: &[u8]) -> Result<(&[u8], &[u8]), GoError> {
    let cut = GoError::Damaged { problem: "a text is cut" };
    let (length, rest) = uvarint(data)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
    length.map(|length| rest.split_at(length)).ok_or(cut)
}

/// A number in groups of seven bits, the lowest first; all but the last have their highest bit set.
fn uvarint(data: &[u8]) -> Result<(u64, &[u8]), GoError> {
    let mut value = 0;
    for (n, byte) in data.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        if n == 9 && *byte > 1 || n > 9 {
            return Err(GoError::Damaged { problem: "a length has more than 64 bits" });
        }
        value |= bits << (7 * n);
        if byte & 0x80 == 0 {
            return Ok((value, &data[n + 1..]));
        }
    }
    Err(GoError::Damaged { problem: "a length is cut" })
}

/// What is between the marks; they are there if there are modules.
fn unmarked(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(MARK) {
        Some(end) if end > MARK && modules[end - 1] == b'\n' => &modules[MARK..end],
        _ => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(strings: &[u8]) -> Vec<u8> {
        [MAGIC, &[8, INLINE], &[0; 16], strings].concat()
    }

    fn damaged(strings: &[u8]) -> String {
        super::strings(0, &info(strings)).unwrap_err().to_string()
    }

    #[test]
    fn both_texts_are_read() {
        let mark = [7; MARK];
        let modules = [&mark[..], b"path\tx\n", &mark[..]].concat();
        let data = info(&[&[6][..], b"go1.26", &[modules.len() as u8], &modules].concat());
        assert_eq!(strings(0, &data), Ok(("go1.26", "path\tx\n")));
        assert_eq!(strings(0, &info(b"\x06go1.26\0")), Ok(("go1.26", "")));
        for short in [b"short\n".to_vec(), [b'\n'; MARK].to_vec(), [b'\n'; 2 * MARK].to_vec()] {
            let data = info(&[&[6][..], b"go1.26", &[short.len() as u8], &short].concat());
            assert_eq!(strings(0, &data), Ok(("go1.26", "")));
        }
    }

    #[test]
    fn it_starts_at_a_multiple_of_16() {
        let data = [&[0; 3][..], &info(b"\x06go1.26\0")].concat();
        assert_eq!(strings(13, &data), Ok(("go1.26", "")));
        assert_eq!(strings(0, &data), Err(GoError::NoBuildInfo));
        assert_eq!(strings(u64::MAX, &[]), Err(GoError::NoBuildInfo));
    }

    #[test]
    fn what_is_cut_or_claims_too_much_is_refused() {
        assert_eq!(strings(0, &MAGIC[..13]), Err(GoError::NoBuildInfo));
        insta::assert_snapshot!(strings(0, MAGIC).unwrap_err(), @"its build information is damaged: its header is cut");
        insta::assert_snapshot!(damaged(b""), @"its build information is damaged: a length is cut");
        insta::assert_snapshot!(damaged(b"\x80\x80"), @"its build information is damaged: a length is cut");
        // 100 MB.
        insta::assert_snapshot!(damaged(b"\x80\xc2\xd7\x2fgo1.26"), @"its build information is damaged: a text is cut");
        insta::assert_snapshot!(damaged(b"\x06go1.26\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), @"its build information is damaged: a text is cut");
        insta::assert_snapshot!(damaged(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), @"its build information is damaged: a length has more than 64 bits");
        insta::assert_snapshot!(damaged(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\0"), @"its build information is damaged: a length has more than 64 bits");
        insta::assert_snapshot!(damaged(b"\x02\xff\xff\0"), @"its build information is damaged: a text is not UTF-8");
        let mut old = info(b"");
        old[FLAGS] = 0;
        insta::assert_snapshot!(strings(0, &old).unwrap_err(), @"its build information is older than go 1.18; build it with a newer go");
    }
}
