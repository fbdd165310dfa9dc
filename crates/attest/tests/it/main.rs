//! The documents as others see them, and programs that the real `go` makes.
#![allow(clippy::disallowed_methods, reason = "tests look for the real go and start it")]

mod documents;
mod elf;
mod go_program;
mod hostile;
mod licence_texts;
mod order;
mod sample;
