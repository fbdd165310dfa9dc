//! Whole runs of the real program, without the internet: recipes, a mirror on this machine's loopback,
//! a sysroot of this machine's own shell, and what comes of it.
//!
//! The machine needs `bash`, the tools in `archive`, `ldd`, `unshare`, and user namespaces. As root, the
//! tests that are about an ordinary user are run as one.
#![allow(clippy::disallowed_methods, reason = "tests start the program, and read where this machine's tools are")]

mod archive;
mod basics;
mod bill;
mod carry;
mod check;
mod collect;
mod death;
mod download;
mod front;
mod gate;
mod go;
mod hostile;
mod image;
mod inspect;
mod links;
mod lock;
mod lock_python;
mod log;
mod machine;
mod maze;
mod order;
mod output;
mod pattern;
mod plan;
mod push;
mod rebuild;
mod recipe;
mod result_link;
mod run;
mod sandbox;
mod server;
mod share;
mod shell;
mod smoke;
mod source;
mod space;
mod stage;
mod stop;
mod terminal;
mod text;
mod tools;
mod verify;
mod whole;
mod why;
mod world;
