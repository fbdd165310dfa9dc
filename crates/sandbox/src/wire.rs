//! The encoding of what parent and helper tell each other.
//!
//! Numbers are 8 bytes, little-endian; byte strings are their length and then themselves; lists are
//! their length and then their items; a choice is its number and then its fields, in the order of the
//! type. Both ends are the same program, so there is no version.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::identity::Identity;
use crate::ops::{Access, Op, Resource};
use crate::spec::Network;

/// Everything that the helper has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) identity: Identity,
    /// User and group inside.
    pub(crate) ids: (u32, u32),
    pub(crate) network: Network,
    pub(crate) ops: Vec<Op>,
    /// Empty: nothing is run, the sandbox ends as soon as it stands.
    pub(crate) argv: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Whether the command keeps the terminal.
    pub(crate) terminal: bool,
    pub(crate) seccomp: bool,
}

impl Job {
    /// The job as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.number(self.identity.privileged.into());
        w.number(self.identity.uid.into());
        w.number(self.identity.gid.into());
        w.number(self.ids.0.into()).number(self.ids.1.into());
        w.number(self.network as u64);
        w.number(self.terminal.into());
        w.number(self.seccomp.into());
        w.number(self.ops.len() as u64);
        for op in &self.ops {
            op.encode(&mut w);
        }
        w.number(self.argv.len() as u64);
        for arg in &self.argv {
            w.bytes(arg.as_bytes());
        }
        w.number(self.env.len() as u64);
        for (name, value) in &self.env {
            w.bytes(name.as_bytes());
            w.bytes(value.as_bytes());
        }
        w.0
    }

    /// The job that [`Job::encode`] made these bytes of; `None` if it did not.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Job> {
        let mut r = Reader(bytes);
        let privileged = r.flag()?;
        let identity = Identity { privileged, uid: r.id()?, gid: r.id()? };
        let ids = (r.id()?, r.id()?);
        let network = r.choice([Network::Loopback, Network::Host])?;
        let (terminal, seccomp) = (r.flag()?, r.flag()?);
        let ops = (0..r.number()?).map(|_| Op::decode(&mut r)).collect::<Option<_>>()?;
        let argv = (0..r.number()?).map(|_| r.string()).collect::<Option<_>>()?;
        let env = (0..r.number()?).map(|_| Some((r.string()?, r.string()?))).collect::<Option<_>>()?;
        r.0.is_empty().then_some(Job { identity, ids, network, ops, argv, env, terminal, seccomp })
    }
}

/// A job as it would be written again; `None` if the bytes are none. For fuzzing.
pub fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
    Job::decode(bytes).map(|job| job.encode())
}

impl Op {
    fn encode(&self, w: &mut Writer) {
        match self {
            Op::Hostname(name) => w.tag(0).bytes(name.as_bytes()),
            Op::Loopback => w.tag(1),
            Op::Listen(port) => w.tag(2).number((*port).into()),
            Op::Root => w.tag(3),
            Op::Folder(at) => w.tag(4).path(at),
            Op::EmptyFile(at) => w.tag(5).path(at),
            Op::Link { at, target } => w.tag(6).path(at).path(target),
            Op::Bind { from, at, access } => w.tag(7).path(from).path(at).number(*access as u64),
            Op::BindPart { top, path, at } => w.tag(21).path(top).path(path).path(at),
            Op::Overlay { lower, upper, work, at } => w.tag(8).path(lower).path(upper).path(work).path(at),
            Op::Tmpfs { at, size, mode } => {
                w.tag(9).path(at).number(size.is_some().into()).number(size.unwrap_or(0)).number((*mode).into())
            }
            Op::Skeleton(at) => w.tag(10).path(at),
            Op::File { at, bytes } => w.tag(11).path(at).bytes(bytes),
            Op::Proc(at) => w.tag(12).path(at),
            Op::Pts(at) => w.tag(13).path(at),
            Op::ReadOnly(at) => w.tag(14).path(at),
            Op::Mask(at) => w.tag(15).path(at),
            Op::Seal(at) => w.tag(16).path(at),
            Op::TryOverlay => w.tag(17),
            Op::Enter => w.tag(18),
            Op::Cwd(at) => w.tag(19).path(at),
            Op::Limit { resource, value } => w.tag(20).number(*resource as u64).number(*value),
        };
    }

    fn decode(r: &mut Reader<'_>) -> Option<Op> {
        Some(match r.number()? {
            0 => Op::Hostname(r.string()?.into_string().ok()?),
            1 => Op::Loopback,
            2 => Op::Listen(r.number()?.try_into().ok()?),
            3 => Op::Root,
            4 => Op::Folder(r.path()?),
            5 => Op::EmptyFile(r.path()?),
            6 => Op::Link { at: r.path()?, target: r.path()? },
            7 => Op::Bind {
                from: r.path()?,
                at: r.path()?,
                access: r.choice([Access::ReadOnly, Access::ReadWrite, Access::Device])?,
            },
            8 => Op::Overlay { lower: r.path()?, upper: r.path()?, work: r.path()?, at: r.path()? },
            9 => {
                let (at, has_size, size) = (r.path()?, r.flag()?, r.number()?);
                Op::Tmpfs { at, size: has_size.then_some(size), mode: r.number()?.try_into().ok()? }
            }
            10 => Op::Skeleton(r.path()?),
            11 => Op::File { at: r.path()?, bytes: r.bytes()?.to_vec() },
            12 => Op::Proc(r.path()?),
            13 => Op::Pts(r.path()?),
            14 => Op::ReadOnly(r.path()?),
            15 => Op::Mask(r.path()?),
            16 => Op::Seal(r.path()?),
            17 => Op::TryOverlay,
            18 => Op::Enter,
            19 => Op::Cwd(r.path()?),
            20 => {
                use Resource::*;
                Op::Limit { resource: r.choice([Nofile, Core, Nproc, Fsize, Data])?, value: r.number()? }
            }
            21 => Op::BindPart { top: r.path()?, path: r.path()?, at: r.path()? },
            _ => return None,
        })
    }
}

/// Puts values one after the other.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn tag(&mut self, n: u64) -> &mut Writer {
        self.number(n)
    }

    pub(crate) fn number(&mut self, n: u64) -> &mut Writer {
        self.0.extend(n.to_le_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn path(&mut self, path: &Path) -> &mut Writer {
        self.bytes(OsStr::as_bytes(path.as_os_str()))
    }
}

/// Takes them off again; `None` where they are not what they should be.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    fn id(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn flag(&mut self) -> Option<bool> {
        self.choice([false, true])
    }

    fn choice<T: Copy, const N: usize>(&mut self, all: [T; N]) -> Option<T> {
        all.get(usize::try_from(self.number()?).ok()?).copied()
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn string(&mut self) -> Option<OsString> {
        Some(OsString::from_vec(self.bytes()?.to_vec()))
    }

    fn path(&mut self) -> Option<PathBuf> {
        self.string().map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let p = PathBuf::from;
        let ops = vec![
            Op::Hostname("localhost".into()),
            Op::Loopback,
            Op::Listen(4873),
            Op::Root,
            Op::Folder(p("/a")),
            Op::EmptyFile(p("/b")),
            Op::Link { at: p("/c"), target: p("d") },
            Op::Bind { from: p("/e"), at: p("/f"), access: Access::ReadWrite },
            Op::Bind { from: p("/e"), at: p("/f"), access: Access::Device },
            Op::BindPart { top: p("/t"), path: p("u/v"), at: p("/f") },
            Op::Overlay { lower: p("/g"), upper: p("/h"), work: p("/i"), at: p("/j") },
            Op::Tmpfs { at: p("/k"), size: Some(7), mode: 0o1777 },
            Op::Tmpfs { at: p("/k"), size: None, mode: 0o700 },
            Op::Skeleton(p("/l")),
            Op::File { at: p("/m"), bytes: vec![0, 255] },
            Op::Proc(p("/n")),
            Op::Pts(p("/o")),
            Op::ReadOnly(p("/p")),
            Op::Mask(p("/q")),
            Op::Seal(p("/r")),
            Op::TryOverlay,
            Op::Enter,
            Op::Cwd(p("/s")),
            Op::Limit { resource: Resource::Data, value: u64::MAX },
        ];
        let not_utf8 = OsString::from_vec(vec![b'x', 0xff]);
        Job {
            identity: Identity { privileged: true, uid: 5, gid: 6 },
            ids: (0, 65_534),
            network: Network::Host,
            ops,
            argv: vec!["/bin/true".into(), not_utf8.clone()],
            env: vec![("A".into(), not_utf8), ("B".into(), "".into())],
            terminal: false,
            seccomp: true,
        }
    }

    #[test]
    fn a_job_is_read_as_it_was_written() {
        assert_eq!(Job::decode(&job().encode()), Some(job()));
    }

    #[test]
    fn a_cut_or_lengthened_job_is_refused() {
        let bytes = job().encode();
        for end in 0..bytes.len() {
            assert_eq!(Job::decode(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(Job::decode(&[&bytes[..], b"x"].concat()), None);
    }
}
