//! A confined process tree: what a stage runs in
