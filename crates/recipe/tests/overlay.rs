//! What an overlay changes, and what is said about one that does not fit.

mod common;

use akbuild_names::Ecosystem;
use akbuild_recipe::plan::{AddressAuthor, SourceAddress};
use akbuild_recipe::plan::{Origin, Plan, Source, ToolPackage};
use akbuild_recipe::{Want, lock_inputs, read, read_overlay};
use common::{GOOD, LOCK, plan, with};

const EMPTY: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const ZERO: &str = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn source<'a>(plan: &'a Plan, name: &str) -> &'a Source {
    plan.sources.iter().find(|s| s.id.as_str() == name).unwrap()
}

fn complaint(overlay: &str) -> String {
    plan(GOOD, overlay, LOCK).expect_err("the overlay is sound").to_string()
}

#[test]
fn an_address_is_replaced_and_the_lock_still_counts() {
    let plan =
        plan(GOOD, "[sources.app]\nurl = \"/srv/git/{name}\"\nmirrors = \"https://third.example/x\"\n", LOCK).unwrap();
    let app = source(&plan, "app");
    let Origin::Git { urls, commit, .. } = &app.origin else { panic!("not git") };
    assert_eq!(urls, &["/srv/git/mini", "https://third.example/x"]);
    assert_eq!(commit, &"1".repeat(40));
    assert_eq!(app.hash.unwrap().to_string(), EMPTY);
}

#[test]
fn pins_of_the_overlay_replace_those_of_the_lock() {
    let overlay = format!("[sources.app]\ncommit = \"{}\"\nhash = \"{ZERO}\"\n", "2".repeat(40));
    let plan = plan(GOOD, &overlay, LOCK).unwrap();
    let app = source(&plan, "app");
    assert!(matches!(&app.origin, Origin::Git { commit, .. } if *commit == "2".repeat(40)));
    assert_eq!(app.hash.unwrap().to_string(), ZERO);
}

#[test]
fn another_tag_needs_pins_of_its_own() {
    insta::assert_snapshot!(complaint("[sources.app]\ntag = \"other\"\n"), @r"
    error: `akbuild.lock` is out of date
     = note: source `app` is locked for tag version/1.2.0 of https://forge.example/app, and the recipe asks for tag other of https://forge.example/app
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
    let pinned = with(
        "tag = \"version/{version}\"",
        &format!("tag = \"v\"\ncommit = \"{}\"\nhash = \"{ZERO}\"", "3".repeat(40)),
    );
    let said = plan(&pinned, "[sources.app]\ntag = \"other\"\n", LOCK).unwrap_err().to_string();
    assert!(said.contains("asks for tag other"), "{said}");
}

#[test]
fn another_commit_without_a_hash_is_not_taken_for_the_old_one() {
    insta::assert_snapshot!(complaint(&format!("[sources.app]\ncommit = \"{}\"\n", "2".repeat(40))), @r#"
    error: the overlay gives another `commit` for source `app`, and no `hash` of its tree
     --> akbuild.local.toml:2:11
      |
    2 | commit = "2222222222222222222222222222222222222222"
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = note: the lock is shared, and holds only what the recipe asks for
      = help: add `hash = "sha256-…"` beside it; `akbuild lock` fetches the source and prints the line
    "#);
}

#[test]
fn a_tool_is_replaced_with_its_pin() {
    let overlay = format!("[tools.uv]\npython = \"uv==0.9.20\"\nfile = \"uv-0.9.20.whl\"\ndigest = \"{ZERO}\"\n");
    let plan = plan(GOOD, &overlay, LOCK).unwrap();
    let uv = plan.tools.iter().find(|t| t.id.as_str() == "uv").unwrap();
    assert!(matches!(&uv.package, ToolPackage::Python(pin) if pin.version == "0.9.20" && pin.file == "uv-0.9.20.whl"));
}

#[test]
fn a_tool_is_replaced_without_a_pin() {
    insta::assert_snapshot!(complaint("[tools.uv]\npython = \"uv==0.9.20\"\n"), @r"
    error: `akbuild.lock` is out of date
     = note: tool `uv` is locked for uv==0.9.18, and the recipe asks for uv==0.9.20
     = help: run `akbuild lock`, look at the difference, and commit it
    ");
}

#[test]
fn single_artifacts_replace_those_of_the_same_name() {
    let overlay = format!(
        "[pins]\npython = [{{ name = \"Setup_.Tools\", version = \"1\", file = \"s.whl\", digest = \"{ZERO}\" }}]\n\
         debian = [{{ name = \"bash\", version = \"6\", path = \"pool/b.deb\", size = 1, digest = \"{ZERO}\", sysroots = [\"runtime\"] }}]\n"
    );
    let changed = plan(GOOD, &overlay.replace("Setup_.Tools", "SetupTools"), LOCK).unwrap();
    assert_eq!(changed.python_pins.iter().map(|p| p.version.as_str()).collect::<Vec<_>>(), ["1"]);
    let runtime = changed.sysroots.iter().find(|s| s.id.as_str() == "runtime").unwrap();
    assert_eq!(runtime.packages.iter().map(|p| p.version.as_str()).collect::<Vec<_>>(), ["6"]);
    let added = plan(GOOD, &overlay, LOCK).unwrap();
    assert_eq!(added.python_pins.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["setup-tools", "setuptools"]);
}

#[test]
fn patches_come_after_those_of_the_recipe() {
    let overlay = "[[patches]]\nsource = \"app\"\nfile = \"a\"\nfrom = \"x\"\nto = \"{version}\"\n";
    let plan = plan(GOOD, overlay, LOCK).unwrap();
    insta::assert_debug_snapshot!(source(&plan, "app").patches, @r#"
    [
        Patch {
            file: "internal/x.go",
            edit: Replace {
                from: "./web {other}",
                to: "/opt/mini/web",
            },
            at: "akbuild.toml:36 (paths at run time)",
        },
        Patch {
            file: "a",
            edit: Replace {
                from: "x",
                to: "1.2.0",
            },
            at: "akbuild.local.toml:1",
        },
    ]
    "#);
}

#[test]
fn registries_are_one_or_several() {
    let text = "mirrors_only = true\n[registries]\nnpm = \"http://127.0.0.1:1/\"\ngo = [\"http://a.example\", \"http://b.example\"]\n";
    let overlay = read_overlay(text, "akbuild.local.toml").unwrap();
    assert!(overlay.mirrors_only);
    assert_eq!(overlay.registries[&Ecosystem::Npm], ["http://127.0.0.1:1/"]);
    assert_eq!(overlay.registries[&Ecosystem::Go], ["http://a.example", "http://b.example"]);
    assert!(!overlay.registries.contains_key(&Ecosystem::Python));
}

#[test]
fn what_is_to_be_locked_has_the_overlay_in_it() {
    let overlay = "[sources.app]\nurl = \"/srv/git\"\n[debian]\nallow_expired = true\nkeyrings = [\"k\"]\n";
    let written = read(GOOD, "akbuild.toml").unwrap();
    let inputs = lock_inputs(&written, &read_overlay(overlay, "o").unwrap()).unwrap();
    let app = &inputs.sources[&akbuild_recipe::plan::SourceId::new("app")];
    let from_overlay = SourceAddress { url: "/srv/git".to_owned(), author: AddressAuthor::Overlay };
    assert_eq!((app.url.as_str(), &app.urls), ("https://forge.example/app", &vec![from_overlay]));
    assert!(matches!(&app.want, Want::Git { commit: None, .. }));
    assert_eq!(inputs.sources.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["app", "data"]);
    let debian = inputs.debian.unwrap();
    assert!(debian.allow_expired && debian.keyrings == [std::path::PathBuf::from("k")]);
    assert_eq!(inputs.sysroots[0].packages, ["bash", "gcc", "make"]);
    assert_eq!(inputs.tools.len(), 2);
}

#[test]
fn pins_of_the_recipe_go_with_what_they_were_made_for() {
    let pins = format!("tag = \"v\"\ncommit = \"{}\"\nhash = \"{ZERO}\"", "3".repeat(40));
    let written = read(&with("tag = \"version/{version}\"", &pins), "akbuild.toml").unwrap();
    let open = |overlay: &str| {
        let inputs = lock_inputs(&written, &read_overlay(overlay, "o").unwrap()).unwrap();
        let app = inputs.sources.into_iter().find(|(id, _)| id.as_str() == "app");
        app.map(|(_, app)| (matches!(app.want, Want::Git { commit: Some(_), .. }), app.hash.is_some()))
    };
    assert_eq!(open(""), None);
    assert_eq!(open("[sources.app]\ntag = \"v\"\n"), None);
    assert_eq!(open("[sources.app]\ntag = \"w\"\n"), Some((false, false)));
    assert_eq!(open(&format!("[sources.app]\ncommit = \"{}\"\n", "2".repeat(40))), Some((true, false)));
    assert_eq!(open(&format!("[sources.app]\nrev = \"{}\"\n", "2".repeat(40))), Some((true, false)));
    assert_eq!(open(&format!("[sources.app]\nhash = \"{EMPTY}\"\n")), None);
    let digest = format!("[sources.data]\ndigest = \"{EMPTY}\"\n");
    let data = lock_inputs(&written, &read_overlay(&digest, "o").unwrap()).unwrap().sources;
    assert!(data.values().any(|s| matches!(s.want, Want::Tarball { digest: Some(_) }) && s.hash.is_none()));
}

#[test]
fn an_unknown_field() {
    insta::assert_snapshot!(complaint("[registry]\nnpm = \"x\"\n"), @r"
    error: unknown field `registry`
     --> akbuild.local.toml:1:2
      |
    1 | [registry]
      |  ^^^^^^^^ not a field of an overlay
      = help: valid fields are `debian`, `download_limit_mib`, `mirrors_only`, `patches`, `pins`, `registries`, `sources`, `tools`
    ");
}

#[test]
fn an_unknown_field_of_registries() {
    insta::assert_snapshot!(complaint("[registries]\npypi = \"x\"\n"), @r#"
    error: unknown field `pypi`
     --> akbuild.local.toml:2:1
      |
    2 | pypi = "x"
      | ^^^^ not a field of `[registries]`
      = help: valid fields are `debian`, `go`, `npm`, `python`
    "#);
}

#[test]
fn an_unknown_source() {
    insta::assert_snapshot!(complaint("[sources.ap]\nurl = \"x\"\n"), @r"
    error: the overlay names the source `ap`, which the recipe does not have
     --> akbuild.local.toml:1:10
      |
    1 | [sources.ap]
      |          ^^
      = help: did you mean `app`?
    ");
}

#[test]
fn an_unknown_tool() {
    insta::assert_snapshot!(complaint("[tools.ruff]\npython = \"ruff==1\"\n"), @r"
    error: the overlay names the tool `ruff`, which the recipe does not have
     --> akbuild.local.toml:1:8
      |
    1 | [tools.ruff]
      |        ^^^^
      = help: the recipe has `uv`, `typescript`
    ");
}

#[test]
fn a_patch_of_an_unknown_source() {
    insta::assert_snapshot!(complaint("[[patches]]\nsource = \"web\"\nfile = \"a\"\nfrom = \"x\"\nto = \"y\"\n"), @r"
    error: the overlay names the source `web`, which the recipe does not have
     --> akbuild.local.toml:1:1
      |
    1 | [[patches]]
      | ^^^^^^^^^^^
      = help: the recipe has `app`, `data`, `local`
    ");
}

#[test]
fn a_tag_for_a_folder() {
    insta::assert_snapshot!(complaint("[sources.local]\ntag = \"x\"\n"), @r"
    error: the overlay gives `tag` for a source that is a folder
     --> akbuild.local.toml:1:10
      |
    1 | [sources.local]
      |          ^^^^^
      = help: remove `tag`
    ");
}

#[test]
fn a_tool_pin_without_its_file() {
    insta::assert_snapshot!(complaint(&format!("[tools.uv]\npython = \"uv==1.0\"\ndigest = \"{ZERO}\"\n")), @r"
    error: tool `uv` in an overlay has no `file`
     --> akbuild.local.toml:1:8
      |
    1 | [tools.uv]
      |        ^^
      = help: add `file = …`
    ");
}

#[test]
fn a_file_for_an_npm_tool() {
    insta::assert_snapshot!(complaint("[tools.typescript]\nnpm = \"typescript@1.0\"\nfile = \"x\"\n"), @r#"
    error: an npm tool has no `file`
     --> akbuild.local.toml:3:9
      |
    3 | file = "x"
      |         ^
      = help: remove `file`: the version names the tarball
    "#);
}

#[test]
fn a_tool_of_no_registry() {
    insta::assert_snapshot!(complaint("[tools.uv]\n"), @r"
    error: tool `uv` in an overlay has no `python` or `npm`
     --> akbuild.local.toml:1:8
      |
    1 | [tools.uv]
      |        ^^
      = help: name the package that replaces the recipe's
    ");
}

#[test]
fn a_source_that_is_no_table() {
    insta::assert_snapshot!(complaint("[sources]\napp = 1\n"), @r"
    error: `app` of `sources` has the wrong type
     --> akbuild.local.toml:2:7
      |
    2 | app = 1
      |       ^ expected a table, found an integer
    ");
}

#[test]
fn an_unknown_variable() {
    insta::assert_snapshot!(complaint("[sources.app]\nurl = \"/srv/{nam}\"\n"), @r#"
    error: unknown variable `{nam}`
     --> akbuild.local.toml:2:8
      |
    2 | url = "/srv/{nam}"
      |        ^^^^^^^^^^
      = help: valid variables are `{name}`, `{prefix}`, `{version}`
      = help: did you mean `{name}`?
    "#);
}

#[test]
fn no_message_shows_a_secret_of_the_overlay() {
    let lines = [
        "[registries]\nnpm = \"https://us3r:s3cret@a.example/\nx = 1\n",
        "[registries]\nnpm = https://us3r:s3cret@a.example/\n",
        "[registries]\nnpm = us3r:s3cret@a.example\n",
        "[registries]\nnpm = [\"https://us3r:s3cret@a.example/\" \"x\"]\n",
        "[registries]\nnpm = \"https://us3r:s3\"cret@a.example/\"\n",
        "[registries]\nnmp = \"https://us3r:s3cret@a.example/\"\n",
        "[registries]\n\"https://us3r:s3cret@a.example/\" = 1\n",
        "[registries]\nnpm = { url = \"https://us3r:s3cret@a.example/\" }\n",
        "[registries]\nnpm = \"https://us3r:s3cret\\@a.example/\"\n",
        "mirrors_only = \"https://us3r:s3cret@a.example/\"\n",
        "[sources.app]\nurl = \"https://us3r:s3cret@a.example/{nam}\"\n",
        "[sources.app]\nurl = \"https://us3r:s3cret\"\nurl = 1\n",
    ];
    for line in lines {
        let shown = complaint(line);
        assert!(shown.starts_with("error: ") && shown.contains("akbuild.local.toml"), "{shown}");
        assert!(!shown.contains("us3r") && !shown.contains("s3cret") && !shown.contains("cret@"), "{shown}");
    }
}
