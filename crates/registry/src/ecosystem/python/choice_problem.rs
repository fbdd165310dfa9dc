//! Why a choice of extras and groups is not one that a lock can be synced with. Knows the wording, nothing of the formats.

use std::fmt;

/// What is wrong with the `extras` and `groups` of a stage, or with the defaults of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChoiceProblem {
    /// Nothing has that name.
    UnknownName {
        /// `extra` or `group`.
        kind: &'static str,
        /// The name as it was written.
        name: String,
        /// The names that exist.
        known: Vec<String>,
        /// The one that may be meant.
        nearest: Option<String>,
        /// `pyproject.toml` has it and the lock does not: the lock is older.
        only_in_pyproject: bool,
    },
    /// `[tool.uv] default-groups` names a group that `[dependency-groups]` does not have.
    MissingDefaultGroup {
        /// The group.
        name: String,
    },
    /// Two choices exclude each other by `[tool.uv] conflicts`.
    Conflict {
        /// The choices, such as "extra `cpu`".
        chosen: Vec<String>,
        /// All items of the conflict, such as `demo[cpu]`.
        set: Vec<String>,
    },
    /// Two extras that dependencies switch on exclude each other by `[tool.uv] conflicts`.
    ConflictingExtras {
        /// One of them, such as `demo[cpu]`.
        first: String,
        /// The other one.
        second: String,
    },
    /// The lock does not have the project exactly once.
    MissingProject {
        /// The name in `pyproject.toml`.
        name: String,
        /// How many entries the lock has.
        entries: usize,
    },
}

impl fmt::Display for ChoiceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownName { kind, name, only_in_pyproject: true, .. } => write!(
                f,
                "the lock has no {kind} `{name}`, which pyproject.toml has\n  help: write the lock again with `uv lock`"
            ),
            Self::UnknownName { kind, name, known, nearest, .. } => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let nearest = nearest.as_ref().map(|name| format!(": did you mean `{name}`?")).unwrap_or_default();
                write!(
                    f,
                    "the project has no {kind} `{name}`\n  it has these {kind}s: {known}\n  help: correct `{kind}s` of the stage in akbuild.toml{nearest}"
                )
            }
            Self::MissingDefaultGroup { name } => write!(
                f,
                "`default-groups` of [tool.uv] names the group `{name}`, which [dependency-groups] does not have\n  \
                 help: correct pyproject.toml"
            ),
            Self::Conflict { chosen, set } => write!(
                f,
                "{} exclude each other\n  [tool.uv] declares the conflict {{{}}}\n  help: choose one of them: correct `extras` and `groups` of the stage in akbuild.toml, or the conflict in pyproject.toml",
                and(chosen),
                set.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ")
            ),
            Self::ConflictingExtras { first, second } => write!(
                f,
                "the extras {first} and {second} exclude each other, and both are switched on\n  [tool.uv] declares the conflict; an extra is also switched on by a dependency such as `name[extra]`\n  help: correct `extras` and `groups` of the stage in akbuild.toml, or the dependencies in pyproject.toml"
            ),
            Self::MissingProject { name, entries } => write!(
                f,
                "the lock has {entries} entries for the project `{name}`, expected 1\n  help: write the lock again with `uv lock`"
            ),
        }
    }
}

/// "a, b and c".
fn and(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
