//! What an entry holds, and how its header is written. Knows names; not what is behind them.

use std::fmt;
use std::str::FromStr;

use akbuild_nar::{Algo, Digest, TreeHash};
use akbuild_store::Key;

/// The longest header, in bytes.
pub(crate) const LONGEST: usize = 200;
/// The header of the last entry.
pub(crate) const END: &str = "end";

/// What an entry holds; ordered as entries are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A tree.
    Tree(TreeHash),
    /// A downloaded file.
    Download(Digest),
    /// A list of downloads.
    List(Digest),
    /// A commit of a git repository.
    Repository {
        /// The repository's folder in the cache.
        name: String,
        /// The commit, 40 hex digits.
        commit: String,
    },
    /// What came of a key.
    Action(Key),
}

/// Kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Trees.
    Tree,
    /// Downloaded files.
    Download,
    /// Lists of downloads.
    List,
    /// Commits of git repositories.
    Repository,
    /// Actions.
    Action,
}

impl Item {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Item::Tree(_) => Kind::Tree,
            Item::Download(_) => Kind::Download,
            Item::List(_) => Kind::List,
            Item::Repository { .. } => Kind::Repository,
            Item::Action(_) => Kind::Action,
        }
    }
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Kind; 5] = [Kind::Tree, Kind::Download, Kind::List, Kind::Repository, Kind::Action];

    /// The first word of the header.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tree => "tree",
            Kind::Download => "download",
            Kind::List => "list",
            Kind::Repository => "repository",
            Kind::Action => "action",
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().name();
        match self {
            Item::Tree(hash) => write!(f, "{kind} {}", hash.hex()),
            Item::Download(digest) | Item::List(digest) => write!(f, "{kind} {digest}"),
            Item::Repository { name, commit } => write!(f, "{kind} {name} {commit}"),
            Item::Action(key) => write!(f, "{kind} {key}"),
        }
    }
}

/// Reads a header, which must be exactly as [`Item`] writes it.
impl FromStr for Item {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, name) = text.split_once(' ').ok_or(())?;
        let item = match Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or(())? {
            Kind::Tree => Item::Tree(name.parse().map_err(drop)?),
            Kind::Download => Item::Download(name.parse().map_err(drop)?),
            Kind::List => Item::List(name.parse().ok().filter(|d: &Digest| d.algo() == Algo::Sha256).ok_or(())?),
            Kind::Repository => repository(name).ok_or(())?,
            Kind::Action => Item::Action(name.parse().map_err(drop)?),
        };
        if item.to_string() == text { Ok(item) } else { Err(()) }
    }
}

/// `NAME COMMIT`, where the name is one that [`akbuild_fetch::git_repository`] gives.
fn repository(text: &str) -> Option<Item> {
    let (name, commit) = text.split_once(' ')?;
    let (words, hash) = name.strip_suffix(".git")?.rsplit_once('-')?;
    let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let plain = words.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let good = plain && words.len() <= 40 && hex(hash, 16) && hex(commit, 40);
    good.then(|| Item::Repository { name: name.to_owned(), commit: commit.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_as_they_are_written() {
        let (hash, digest) = (TreeHash::from([1; 32]), Digest::sha256(b"x"));
        let (name, commit) = ("app-0123456789abcdef.git".to_owned(), "a".repeat(40));
        let zip = Digest::new(Algo::GoZip, &[7; 32]).unwrap();
        let action = Item::Action(Key::of(b"x"));
        let repository = Item::Repository { name, commit };
        let items =
            [Item::Tree(hash), Item::Download(digest), Item::Download(zip), Item::List(digest), repository, action];
        assert!(items.is_sorted());
        for item in items {
            assert_eq!(item.to_string().parse(), Ok(item));
        }
    }

    #[test]
    fn a_header_has_one_spelling_and_leads_nowhere_else() {
        let commit = "a".repeat(40);
        let upper = TreeHash::from([0xab; 32]).hex().to_uppercase();
        let names = ["../../x", "x", "../x-0123456789abcdef.git", "x-0123456789ABCDEF.git", "a/b-0123456789abcdef.git"];
        let repositories = names.map(|name| format!("repository {name} {commit}"));
        let others = [format!("tree {upper}"), "tree".into(), "tree ".into(), "end".into(), "file x".into()];
        for text in repositories.iter().chain(&others) {
            assert_eq!(text.parse::<Item>(), Err(()), "{text}");
        }
    }
}
