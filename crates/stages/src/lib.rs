//! The stage kinds: one file each, and the table that names them.
//!
//! A kind turns the options of a recipe's stage into a [`Step`]: which trees a script sees, where,
//! and the script. It is a pure function: it reads no file, runs nothing, and knows neither store
//! nor sandbox. To add a kind, write its file and name it in [`TABLE`]; to change what the same
//! options mean, raise its version.

mod checks;
mod go;
mod go_build;
mod go_env;
mod go_vendor;
mod image;
mod npm;
mod npm_ci;
mod npm_run;
mod openapi;
mod openapi_go;
mod openapi_typescript;
mod run;
mod script;
mod tree;
mod uv_sync;
mod uv_variables;

use akbuild_recipe::plan::Step;
use akbuild_recipe::{Fields, Kinds, RecipeError};

/// A kind: its name, the version of its meaning, and how it reads its options.
struct Kind {
    name: &'static str,
    version: u32,
    step: fn(&mut Fields<'_>) -> Result<Step, RecipeError>,
}

const TABLE: &[Kind] = &[
    Kind { name: "go-build", version: 2, step: go_build::step },
    Kind { name: "go-vendor", version: 2, step: go_vendor::step },
    Kind { name: "image", version: 1, step: image::step },
    Kind { name: "npm-ci", version: 2, step: npm_ci::step },
    Kind { name: "npm-run", version: 2, step: npm_run::step },
    Kind { name: "openapi-go", version: 2, step: openapi_go::step },
    Kind { name: "openapi-typescript", version: 2, step: openapi_typescript::step },
    Kind { name: "run", version: 1, step: run::step },
    Kind { name: "tree", version: 1, step: tree::step },
    Kind { name: "uv-sync", version: 2, step: uv_sync::step },
];

/// The table of all kinds, for [`akbuild_recipe::resolve`].
#[derive(Clone, Copy, Debug, Default)]
pub struct StageKinds;

impl Kinds for StageKinds {
    fn names(&self) -> Vec<&'static str> {
        TABLE.iter().map(|kind| kind.name).collect()
    }

    fn step(&self, kind: &str, fields: &mut Fields<'_>) -> Option<Result<(u32, &'static str, Step), RecipeError>> {
        let kind = TABLE.iter().find(|k| k.name == kind)?;
        Some((kind.step)(fields).map(|step| (kind.version, kind.name, step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.is_sorted_by_key(|kind| kind.name));
    }
}
