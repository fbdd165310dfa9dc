//! Images as others make and take them: what is packed, written, read again and unpacked, and what is refused.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at, and ask whether they run in CI")]

mod archive;
mod damaged;
mod documents;
mod hostile;
mod layout;
mod links;
mod model;
mod pack;
mod record;
mod stack;
mod tarball;
mod unpack;
mod unpacked;
mod world;
