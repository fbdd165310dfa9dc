//! ELF files made by hand: every class and byte order, and headers that lie. Knows as much of the format as a reader needs.

use akbuild_attest::go::binary;

/// Where things lie in a file of [`Made::file`].
const HEADERS: usize = 0x40;
const NAMES: usize = 0x200;
pub(crate) const INFO: usize = 0x400;

const TEXT: &[u8] = b"\xff Go buildinf:\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06go1.26\x40markmarkmarkmarkpath\tx\ndep\texample.org/a\tv1.0.0\nmarkmarkmarkmark";

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    wide: bool,
    big: bool,
    /// Section headers; else program headers.
    sections: bool,
}

impl Made {
    fn number(self, value: u64, bytes: usize) -> Vec<u8> {
        let all = value.to_be_bytes();
        let mut number = all[8 - bytes..].to_vec();
        if !self.big {
            number.reverse();
        }
        number
    }

    /// Fields of these sizes; 0 is an address.
    fn fields(self, fields: &[(u64, usize)]) -> Vec<u8> {
        let address = if self.wide { 8 } else { 4 };
        fields
            .iter()
            .flat_map(|(value, bytes)| self.number(*value, if *bytes == 0 { address } else { *bytes }))
            .collect()
    }

    fn section(self, name: u64, offset: u64, size: u64) -> Vec<u8> {
        self.fields(&[(name, 4), (1, 4), (0, 0), (offset, 0), (offset, 0), (size, 0), (0, 4), (0, 4), (0, 0), (0, 0)])
    }

    fn segment(self, kind: u64, flags: u64, size: u64) -> Vec<u8> {
        let (at, none) = ((INFO as u64, 0), (0, 0));
        match self.wide {
            true => self.fields(&[(kind, 4), (flags, 4), at, at, at, (size, 0), (size, 0), none]),
            false => self.fields(&[(kind, 4), at, at, at, (size, 0), (size, 0), (flags, 4), none]),
        }
    }

    pub(crate) fn file(self) -> Vec<u8> {
        let mut file = vec![0; INFO];
        let (of, at) = if self.sections { ((0, 0), (HEADERS as u64, 0)) } else { ((HEADERS as u64, 0), (0, 0)) };
        let (segments, sections) = if self.sections { (0, 2) } else { (2, 0) };
        let sizes = if self.wide { (64, 56, 64) } else { (52, 32, 40) };
        let mut header = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(self.wide), 1 + u8::from(self.big), 1];
        header.resize(16, 0);
        header.extend(self.fields(&[(2, 2), (62, 2), (1, 4), (0, 0), of, at, (0, 4), (sizes.0, 2)]));
        header.extend(self.fields(&[(sizes.1, 2), (segments, 2), (sizes.2, 2), (sections, 2), (0, 2)]));
        let size = TEXT.len() as u64;
        let headers = match self.sections {
            true => [self.section(0, NAMES as u64, 64), self.section(3, INFO as u64, size)].concat(),
            // Code that is not written to, and data.
            false => [self.segment(1, 5, size), self.segment(1, 6, size)].concat(),
        };
        file[..header.len()].copy_from_slice(&header);
        file[HEADERS..HEADERS + headers.len()].copy_from_slice(&headers);
        file[NAMES + 3..NAMES + 17].copy_from_slice(b".go.buildinfo\0");
        file.extend(TEXT);
        file
    }
}

pub(crate) fn every() -> Vec<Made> {
    let mut every = Vec::new();
    for n in 0..8 {
        every.push(Made { wide: n & 1 == 1, big: n & 2 == 2, sections: n & 4 == 4 });
    }
    every
}

#[test]
fn every_class_and_byte_order_is_read() {
    for made in every() {
        let found = binary(&made.file()).unwrap();
        assert_eq!((found.go.as_str(), found.path.as_deref()), ("go1.26", Some("x")));
        assert_eq!(found.deps[0].path, "example.org/a");
    }
}

#[test]
fn only_data_is_looked_at() {
    let made = Made { wide: true, big: false, sections: false };
    let mut file = made.file();
    file[HEADERS + 56 + 4] = 7; // written to and run
    insta::assert_snapshot!(binary(&file).unwrap_err(), @"it has no build information of Go; is it a Go program, built with `go build`?");
}

#[test]
fn a_file_that_is_cut_is_an_error() {
    for made in every() {
        let file = made.file();
        for end in 0..file.len() {
            assert!(binary(&file[..end]).is_err(), "{end}");
        }
    }
}

/// Every byte of the headers says something else.
#[test]
fn headers_that_lie_do_no_harm() {
    for made in every() {
        let mut file = made.file();
        for at in 4..HEADERS + 128 {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let kept = std::mem::replace(&mut file[at], value);
                let _ = binary(&file);
                file[at] = kept;
            }
        }
        file[HEADERS..NAMES].fill(0xff);
        assert!(binary(&file).is_err());
        file[16..HEADERS].fill(0xff);
        assert!(binary(&file).is_err());
    }
}

#[test]
fn what_is_no_program_of_go() {
    insta::assert_snapshot!(binary(b"").unwrap_err(), @"it is not an ELF file; is it a program for Linux?");
    insta::assert_snapshot!(binary(b"#!/bin/sh\n").unwrap_err(), @"it is not an ELF file; is it a program for Linux?");
    insta::assert_snapshot!(binary(&[0x7f; 100]).unwrap_err(), @"it is not an ELF file; is it a program for Linux?");
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    insta::assert_snapshot!(binary(&own).unwrap_err(), @"it has no build information of Go; is it a Go program, built with `go build`?");
}
