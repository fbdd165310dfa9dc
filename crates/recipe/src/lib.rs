//! Recipe, lock and overlay: what a person writes, and the plan it resolves to
