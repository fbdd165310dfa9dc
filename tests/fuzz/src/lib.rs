//! What the fuzz targets do: each function takes bytes that somebody else wrote, and panics where the program breaks
//! a promise. `fuzz_targets/` holds a `main` for each, `seeds/` what to start from, `replay.rs` runs the seeds as
//! an ordinary test.

mod archive;
mod debian;
mod described;
mod fence;
mod image;
mod messages;
mod names;
mod registry;
mod trees;
mod upstream;
mod written;

pub use archive::{archive, deb};
pub use debian::debian;
pub use image::{layer, layout};
pub use messages::{git, go_imports, sandbox};
pub use names::{names, pages};
pub use registry::registry;
pub use trees::nar;
pub use upstream::upstream;
pub use written::{lock, recipe};

/// One target.
pub type Target = fn(&[u8]);

/// All targets by name, as their seeds are filed.
pub const TARGETS: [(&str, Target); 15] = [
    ("archive", archive),
    ("deb", deb),
    ("debian", debian),
    ("git", git),
    ("go_imports", go_imports),
    ("layer", layer),
    ("layout", layout),
    ("lock", lock),
    ("names", names),
    ("nar", nar),
    ("pages", pages),
    ("recipe", recipe),
    ("registry", registry),
    ("sandbox", sandbox),
    ("upstream", upstream),
];

/// `N` texts out of one, cut at NUL; the last has all the rest. What is not UTF-8 is replaced.
fn texts<const N: usize>(data: &[u8]) -> [String; N] {
    let mut parts = data.splitn(N, |b| *b == 0);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}
