//! The examples of `docs/recipe.md` are sound, and the manual names every field.

use akbuild_recipe::{Lock, lock_inputs, read, read_overlay};

const MANUAL: &str = include_str!("../../../docs/recipe.md");

fn example(name: &str) -> &'static str {
    let start = MANUAL.split_once(&format!("```toml {name}\n")).expect("the manual has the example").1;
    start.split_once("```").expect("the example ends").0
}

#[test]
fn recipe_and_overlay_fit_each_other() {
    let written = read(example("recipe"), "akbuild.toml").unwrap();
    let overlay = read_overlay(example("overlay"), "akbuild.local.toml").unwrap();
    let inputs = lock_inputs(&written, &overlay).unwrap();
    assert_eq!(inputs.sources.keys().map(|s| s.as_str()).collect::<Vec<_>>(), ["app", "data"]);
    assert_eq!(inputs.tools.len(), 1);
}

#[test]
fn the_lock_is_as_it_is_written() {
    let lock = Lock::parse(example("lock"), "akbuild.lock").unwrap();
    assert_eq!(lock.render(), example("lock"));
}

/// The messages list all valid fields: each of them is in the manual.
#[test]
fn every_field_is_named() {
    let recipe = "[project]\nname = 'a'\nversion = '1'\nprefix = '/a'\ntargets = ['s']\n[stages.s]\nkind = 'run'\n";
    let tables = [
        "[sources.a]\ngit = 'x'\ntag = 'x'\nstray = 1\n",
        "[sources.a]\ntarball = 'x'\nstray = 1\n",
        "[sources.a]\npath = 'x'\nstray = 1\n",
        "[debian]\nsuites = ['x']\nstray = 1\n",
        "[debian]\nsuites = ['x']\n[sysroots.a]\npackages = ['bash']\nstray = 1\n",
        "[tools.a]\nnpm = 'a@1'\nstray = 1\n",
        "[sources.a]\npath = 'x'\n[[patches]]\nsource = 'a'\nfile = 'a'\nfrom = 'a'\nto = 'b'\nstray = 1\n",
        "[smoke]\nimage = 's'\nprocesses = [{ name = 'a' }]\nstray = 1\n",
        "[smoke]\nimage = 's'\nservices = [{ name = 'a', sysroot = 'a', port = 1, script = 'x', stray = 1 }]\n",
        "[smoke]\nimage = 's'\ncommands = [{ name = 'a', stray = 1 }]\n",
        "[smoke]\nimage = 's'\ncommands = [{ name = 'a', files = [{ path = '/a', text = '', stray = 1 }] }]\n",
        "[smoke]\nimage = 's'\nprocesses = [{ name = 'a', stray = 1 }]\n",
        "[smoke]\nimage = 's'\nprocesses = [{ name = 'a', probes = [{ port = 1, path = '/', stray = 1 }] }]\n",
        "[smoke]\nimage = 's'\nprocesses = [{ name = 'a' }]\npages = [{ process = 'a', port = 1, path = '/', stray = 1 }]\n",
        "[smoke]\nimage = 's'\nchecks = [{ name = 'a', sysroot = 'a', script = 'x', stray = 1 }]\n",
        "[stray]\n",
    ];
    let overlays = [
        "[stray]\n",
        "[registries]\nstray = 1\n",
        "[debian]\nstray = 1\n",
        "[sources.a]\nstray = 1\n",
        "[tools.a]\nnpm = 'a@1'\nstray = 1\n",
        "[pins]\nstray = 1\n",
        "[pins]\npython = [{ name = 'a', version = '1', file = 'a.zip', digest = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', stray = 1 }]\n",
    ];
    // What a table needs besides.
    let sysroot = |table: &str| match table.contains("sysroot = 'a'") {
        true => "[debian]\nsuites = ['x']\n[sysroots.a]\npackages = ['bash']\n",
        false => "",
    };
    let said = tables.iter().map(|t| read(&format!("{recipe}{}{t}", sysroot(t)), "r").unwrap_err().to_string());
    let said = said.chain(overlays.iter().map(|o| read_overlay(o, "o").unwrap_err().to_string()));
    for message in said {
        let fields = message.split_once("valid fields are ").expect(&message).1;
        for field in fields.split('`').skip(1).step_by(2) {
            let named = [format!("`{field}`"), format!(".{field}`"), format!("[{field}"), format!("[[{field}")];
            // Of tables in lists: `{ path, text }`.
            let listed = MANUAL.split('`').filter_map(|code| code.strip_prefix("{ ")?.strip_suffix(" }"));
            let is_listed = || listed.flat_map(|list| list.split(", ")).any(|name| name == field);
            let is_named = named.iter().any(|name| MANUAL.contains(name)) || is_listed();
            assert!(is_named, "docs/recipe.md does not name `{field}`");
        }
    }
}
