//! Archives and Debian packages are unpacked, and nothing outside is written.

use akbuild_fetch::{StripTop, unpack_archive};
use akbuild_fixtures::{Compression, FakeDeb};
use akbuild_nar::Digest;
use akbuild_sysroot::{DebFile, DebPin, UnpackOptions, unpack};

use super::described::{self, Member, members};
use super::fence::Fence;

/// The first letter says what follows: `t` and `z` a description of a tar or zip archive, `m` a tar archive whose
/// sums are made right; anything else is the archive itself. Of a description, the second letter says what becomes
/// of the folder at the top.
pub fn archive(data: &[u8]) {
    let fence = Fence::new(b"");
    let rest = data.get(2..).unwrap_or_default();
    let bytes = match data.first() {
        Some(b't') => described::tar(&members(rest, fence.outer())),
        Some(b'z') => described::zip(&members(rest, fence.outer())),
        Some(b'm') => described::mended(rest),
        _ => data.to_vec(),
    };
    let strip = match data.get(1) {
        Some(b'n') => StripTop::No,
        Some(b't') => StripTop::Named("top"),
        _ => StripTop::IfSingle,
    };
    fence.set_input(&bytes);
    let unpacked = unpack_archive(&fence.input(), &fence.tree(), strip);
    fence.check(&bytes);
    match unpacked {
        Ok(_) => fence.check_links(),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// `D` and a description: a package with these members, of which `P` are lines of its `postinst`. `A` and bytes: one
/// with these as its `data.tar`, sums made right. Anything else is the package itself.
pub fn deb(data: &[u8]) {
    let fence = Fence::new(b"");
    let rest = data.get(1..).unwrap_or_default();
    let bytes = match data.first() {
        Some(b'D') => package(&members(rest, fence.outer())),
        Some(b'A') => with_data(&described::mended(rest)),
        _ => data.to_vec(),
    };
    fence.set_input(&bytes);
    std::fs::create_dir(fence.tree()).expect("a folder");
    let pin = DebPin {
        name: "fuzz".parse().expect("a name"),
        version: "1".parse().expect("a version"),
        path: "pool/fuzz.deb".parse().expect("a path"),
        digest: Digest::sha256(b""),
        size: bytes.len() as u64,
        sysroots: vec!["build".into()],
    };
    let file = DebFile { pin: &pin, path: fence.input() };
    let options = UnpackOptions { threads: 1, slim: true, progress: &|_| {} };
    let unpacked = unpack(&[file], &fence.tree(), &options);
    fence.check(&bytes);
    if let Err(error) = unpacked {
        assert!(!error.to_string().is_empty());
    }
}

fn package(members: &[Member]) -> Vec<u8> {
    let mut deb = FakeDeb::new("fuzz", "1").compression(Compression::None);
    let mut script = String::new();
    for member in members {
        let (name, rest) = (cut(&member.name), String::from_utf8_lossy(&member.rest));
        deb = match member.kind {
            b'P' => {
                script.push_str(&String::from_utf8_lossy(&member.name));
                script.push('\n');
                deb
            }
            b'l' | b'h' => deb.member(&name, member.tar_kind(), &cut(&member.rest), member.mode(), b""),
            _ => deb.member(&name, member.tar_kind(), "", member.mode(), rest.as_bytes()),
        };
    }
    deb.script("postinst", &script).build()
}

/// What fits into the header of a tar archive.
fn cut(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    name[..name.floor_char_boundary(100)].to_owned()
}

/// A package with this `data.tar`, which is the last member of a package without one.
fn with_data(tar: &[u8]) -> Vec<u8> {
    let mut deb = FakeDeb::new("fuzz", "1").compression(Compression::None).build();
    deb.truncate(deb.len() - 1024 - 60);
    let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "data.tar", 0, 0, 0, "100644", tar.len());
    deb.extend_from_slice(header.as_bytes());
    deb.extend_from_slice(tar);
    deb
}
