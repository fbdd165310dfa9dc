//! Words in braces and paths, in every kind of stage: what each place takes, and what is said about the rest.

use akbuild_recipe::plan::{Plan, Step};
use akbuild_recipe::{Local, Lock, Overlay, RecipeErrors, read, resolve};
use akbuild_stages::StageKinds;

const HEAD: &str = "[project]\nname = \"mini\"\nversion = \"1.2.0\"\nprefix = \"/opt/mini\"\ntargets = [\"last\"]\n\n\
                    [sources.app]\npath = \".\"\n\n[debian]\nsuites = [\"forky\"]\n\n[sysroots.build]\npackages = [\"bash\"]\n\n";

fn planned(stages: &str) -> Result<Plan, RecipeErrors> {
    let written = read(&format!("{HEAD}{stages}"), "akbuild.toml")?;
    let local = Local { host: true, ..Local::default() };
    let lock = Lock::default();
    resolve(&written, &Overlay::default(), &lock, &local, &StageKinds, std::path::Path::new("/project"))
        .map(|draft| draft.with_sysroots(Vec::new()))
}

fn run(options: &str) -> String {
    format!("[stages.last]\nkind = \"run\"\nscript = \"true\"\n{options}\n")
}

fn tree(options: &str) -> String {
    format!("[stages.last]\nkind = \"tree\"\npieces = [{{ from = \"app\" }}]\n{options}\n")
}

fn complaint(stages: &str) -> String {
    planned(stages).unwrap_err().to_string()
}

#[test]
fn a_word_of_push_elsewhere() {
    let env = run("env = { COMMIT = \"{git:app}\" }");
    insta::assert_snapshot!(complaint(&env), @r#"
    error: unknown variable `{git:app}`
      --> akbuild.toml:19:19
       |
    19 | env = { COMMIT = "{git:app}" }
       |                   ^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: `{git}`, `{git:SOURCE}` and `{key}` are filled in only in the `push` of an image
    "#);
    insta::assert_snapshot!(complaint(&run("env = { COMMIT = \"{git}\" }")), @r#"
    error: unknown variable `{git}`
      --> akbuild.toml:19:19
       |
    19 | env = { COMMIT = "{git}" }
       |                   ^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: `{git}`, `{git:SOURCE}` and `{key}` are filled in only in the `push` of an image
    "#);
    insta::assert_snapshot!(complaint(&tree("files = [{ path = \"commit\", text = \"{git:app:7}\" }]")), @r#"
    error: unknown variable `{git:app:7}`
      --> akbuild.toml:19:37
       |
    19 | files = [{ path = "commit", text = "{git:app:7}" }]
       |                                     ^^^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: `{git}`, `{git:SOURCE}` and `{key}` are filled in only in the `push` of an image
    "#);
    insta::assert_snapshot!(complaint("[stages.last]\nkind = \"run\"\nscript = \"echo {git:app}\"\n"), @r#"
    error: unknown variable `{git:app}`
      --> akbuild.toml:18:11
       |
    18 | script = "echo {git:app}"
       |           ^^^^^^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: `{git}`, `{git:SOURCE}` and `{key}` are filled in only in the `push` of an image
    "#);
}

#[test]
fn a_word_with_an_argument_or_in_capitals() {
    insta::assert_snapshot!(complaint(&run("env = { V = \"{version:3}\" }")), @r#"
    error: unknown variable `{version:3}`
      --> akbuild.toml:19:14
       |
    19 | env = { V = "{version:3}" }
       |              ^^^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: did you mean `{version}`?
    "#);
    insta::assert_snapshot!(complaint(&run("env = { V = \"{Version}\" }")), @r#"
    error: unknown variable `{Version}`
      --> akbuild.toml:19:14
       |
    19 | env = { V = "{Version}" }
       |              ^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: did you mean `{version}`?
    "#);
    insta::assert_snapshot!(complaint(&run("env = { V = \"{ verison:3}\" }").replace("{ ", "{")), @r#"
    error: unknown variable `{verison:3}`
      --> akbuild.toml:19:13
       |
    19 | env = {V = "{verison:3}" }
       |             ^^^^^^^^^^^
       = help: valid variables are `{name}`, `{prefix}`, `{version}`
       = help: did you mean `{version}`?
    "#);
}

#[test]
fn braces_of_shells_and_of_json_stay() {
    let script = "[stages.last]\nkind = \"run\"\nscript = '''echo ${git:-x} ${key} {git} {key:12} {\"a\":1} {version}'''\n\
                  env = { JSON = '{\"a\":{\"b\":1}}', SHELL = '${git:-x} ${HOME}' }\n";
    let plan = planned(script).unwrap();
    let Step::Exec(exec) = &plan.stages[0].step else { panic!("it runs a script") };
    assert_eq!(exec.script, "echo ${git:-x} ${key} {git} {key:12} {\"a\":1} 1.2.0");
    assert_eq!((&*exec.env["JSON"], &*exec.env["SHELL"]), ("{\"a\":{\"b\":1}}", "${git:-x} ${HOME}"));
}

fn image(push: &str) -> String {
    let tree = tree("").replace("stages.last", "stages.all");
    format!(
        "{tree}[sysroots.runtime]\npackages = [\"bash\"]\n\n[stages.last]\nkind = \"image\"\ntree = \"all\"\n\
         entrypoint = [\"/x\"]\npush = \"{push}\"\n"
    )
}

#[test]
fn a_push_with_an_unknown_word() {
    insta::assert_snapshot!(complaint(&image("r.example/mini:{gti:7}")), @r#"
    error: unknown word `{gti:7}` in `push`
      --> akbuild.toml:27:9
       |
    27 | push = "r.example/mini:{gti:7}"
       |         ^^^^^^^^^^^^^^^^^^^^^^
       = help: valid words are `{name}`, `{version}`, `{prefix}`, `{git}`, `{git:SOURCE}` and `{key}`; `:N` at the end of the last three, from 1 to 64, takes the first N characters
       = help: did you mean `{git}`?
    "#);
    insta::assert_snapshot!(complaint(&image("r.example/mini:{git:ap}")), @r#"
    error: unknown word `{git:ap}` in `push`
      --> akbuild.toml:27:9
       |
    27 | push = "r.example/mini:{git:ap}"
       |         ^^^^^^^^^^^^^^^^^^^^^^^
       = help: valid words are `{name}`, `{version}`, `{prefix}`, `{git}`, `{git:SOURCE}` and `{key}`; `:N` at the end of the last three, from 1 to 64, takes the first N characters
       = help: did you mean `app`?
    "#);
    insta::assert_snapshot!(complaint(&image("r.example/mini:{key:100}")), @r#"
    error: unknown word `{key:100}` in `push`
      --> akbuild.toml:27:9
       |
    27 | push = "r.example/mini:{key:100}"
       |         ^^^^^^^^^^^^^^^^^^^^^^^^
       = help: valid words are `{name}`, `{version}`, `{prefix}`, `{git}`, `{git:SOURCE}` and `{key}`; `:N` at the end of the last three, from 1 to 64, takes the first N characters
    "#);
    assert!(planned(&image("r.example/{name}:v{version}-{git:7}-{git:app}-{git:app:7}-{key:12}")).is_ok());
}

#[test]
fn places_are_relative_or_whole() {
    let options = "copies = [{ from = \"app\", to = \"src/\" }, { from = \"app\", to = \"/build/x\" }]\n\
                   mounts = [{ from = \"app\", to = \"deps\" }, { from = \"app\", to = \"/srv/app\" }]\n\
                   files = [{ path = \"a/b\", text = \"\" }, { path = \"/tmp/c\", text = \"\" }]\ncwd = \"src\"";
    let plan = planned(&run(options)).unwrap();
    let Step::Exec(exec) = &plan.stages[0].step else { panic!("it runs a script") };
    assert_eq!(exec.copies.iter().map(|c| &*c.to).collect::<Vec<_>>(), ["/build/src", "/build/x"]);
    assert_eq!(exec.mounts.iter().map(|m| &*m.to).collect::<Vec<_>>(), ["/build/deps", "/srv/app"]);
    assert_eq!(exec.files.iter().map(|f| &*f.path).collect::<Vec<_>>(), ["/build/a/b", "/tmp/c"]);
    assert_eq!(exec.cwd, "/build/src");

    let options = "files = [{ path = \"/opt/mini/bin/a\", text = \"\" }, { path = \"bin/b\", text = \"\" }]";
    let pieces = tree(options).replace("from = \"app\"", "from = \"app\", to = \"/opt/mini/web/\"");
    let plan = planned(&pieces).unwrap();
    let Step::Compose(compose) = &plan.stages[0].step else { panic!("it puts trees together") };
    assert_eq!(compose.pieces[0].to, "web");
    assert_eq!(compose.files.iter().map(|f| &*f.path).collect::<Vec<_>>(), ["bin/a", "bin/b"]);

    let more =
        "files = [{ path = \"/entrypoint\", text = \"\" }]\nfolders = [{ path = \"/tmp\" }, { path = \"srv\" }]\n";
    let plan = planned(&format!("{}{more}", image("r.example/mini:1"))).unwrap();
    let image =
        plan.stages.iter().find_map(|stage| if let Step::Image(image) = &stage.step { Some(image) } else { None });
    let image = image.unwrap();
    assert_eq!((&*image.files[0].path, &*image.folders[0].path, &*image.folders[1].path), ("entrypoint", "tmp", "srv"));
}

#[test]
fn a_place_outside_is_told_in_the_same_words_everywhere() {
    insta::assert_snapshot!(complaint(&run("copies = [{ from = \"app\", to = \"/src\" }]")), @r#"
    error: bad path `/src`
      --> akbuild.toml:19:33
       |
    19 | copies = [{ from = "app", to = "/src" }]
       |                                 ^^^^ it is not below `/build`
       = help: write it relative to `/build`, or as a whole path below it
    "#);
    insta::assert_snapshot!(complaint(&run("files = [{ path = \"/etc/motd\", text = \"\" }]")), @r#"
    error: bad path `/etc/motd`
      --> akbuild.toml:19:20
       |
    19 | files = [{ path = "/etc/motd", text = "" }]
       |                    ^^^^^^^^^ it is not below `/build`, `/out` or `/tmp`
       = help: write it relative to `/build`, or as a whole path below `/build`, `/out` or `/tmp`
    "#);
    insta::assert_snapshot!(complaint(&run("mounts = [{ from = \"app\", to = \"../x\" }]")), @r#"
    error: bad path `../x`
      --> akbuild.toml:19:33
       |
    19 | mounts = [{ from = "app", to = "../x" }]
       |                                 ^^^^ it has an empty part, `.` or `..`
       = help: write it relative to `/build`, or as a whole path, from `/`
    "#);
    insta::assert_snapshot!(complaint(&run("cwd = \"/build/../x\"")), @r#"
    error: bad path `/build/../x`
      --> akbuild.toml:19:8
       |
    19 | cwd = "/build/../x"
       |        ^^^^^^^^^^^ it has an empty part, `.` or `..`
       = help: write it relative to `/build`, or as a whole path, from `/`
    "#);
    insta::assert_snapshot!(complaint(&run("out = \"out\"")), @r#"
    error: bad path `out`
      --> akbuild.toml:19:8
       |
    19 | out = "out"
       |        ^^^ it is relative
       = help: write the whole path, from `/`
    "#);
    insta::assert_snapshot!(complaint(&tree("files = [{ path = \"/usr/bin/x\", text = \"\" }]")), @r#"
    error: bad path `/usr/bin/x`
      --> akbuild.toml:19:20
       |
    19 | files = [{ path = "/usr/bin/x", text = "" }]
       |                    ^^^^^^^^^^ it is not below `/opt/mini`
       = help: write it relative to `/opt/mini`, or as a whole path below it
    "#);
    insta::assert_snapshot!(complaint(&tree("files = [{ path = \"/opt/mini/\", text = \"\" }]")), @r#"
    error: bad path `/opt/mini/`
      --> akbuild.toml:19:20
       |
    19 | files = [{ path = "/opt/mini/", text = "" }]
       |                    ^^^^^^^^^^ it is a folder
       = help: name the file too: `folder/file`
    "#);
    insta::assert_snapshot!(complaint(&tree("checks = [{ elf = \"build\", at = \"opt\" }]")), @r#"
    error: bad path `opt`
      --> akbuild.toml:19:34
       |
    19 | checks = [{ elf = "build", at = "opt" }]
       |                                  ^^^ it is relative
       = help: write the whole path, from `/`
    "#);
    let piece = tree("").replace("from = \"app\"", "from = \"app\", path = \"/web\"");
    insta::assert_snapshot!(complaint(&piece), @r#"
    error: bad path `/web`
      --> akbuild.toml:18:35
       |
    18 | pieces = [{ from = "app", path = "/web" }]
       |                                   ^^^^ it is absolute
       = help: give the path inside the tree, without the first `/`: `web`
    "#);
    let keep = "[tools]\nopenapi-generator = { python = \"x==1\" }\n\n[stages.last]\nkind = \"openapi-go\"\nsource = \"app\"\n\
                config = \"c.yml\"\nkeep = [\"go.mod\", \"/go.sum\"]\n";
    insta::assert_snapshot!(complaint(keep), @r#"
    error: bad path `/go.sum`
      --> akbuild.toml:23:20
       |
    23 | keep = ["go.mod", "/go.sum"]
       |                    ^^^^^^^ it is absolute
       = help: give the path inside the tree, without the first `/`: `go.sum`
    "#);
}
