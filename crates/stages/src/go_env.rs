//! The environment of the Go kinds: the go command looks for no other toolchain, for no configuration, and for modules
//! only in the loopback registry.
//!
//! `docs/stages.md` lists every variable of `go help environment` and its treatment: akbuild sets those of
//! [`settings`], refuses those of [`refusal`] in a stage's `env`, and passes on all others.

use std::collections::BTreeMap;

use akbuild_recipe::{Fields, RecipeError};

/// The variables that akbuild sets. Those that may be changed stand in `env` of a stage.
fn settings(proxy: &str) -> BTreeMap<String, String> {
    let fixed = [
        ("GO111MODULE", "on"),
        ("GOAUTH", "off"),
        ("GOCACHE", "/tmp/go-cache"),
        ("GOENV", "off"),
        ("GOFLAGS", "-modcacherw"),
        // An empty value would let go look for one elsewhere.
        ("GONOPROXY", "none"),
        ("GOPATH", "/tmp/go"),
        ("GOPROXY", proxy),
        ("GOSUMDB", "off"),
        ("GOTELEMETRY", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GOVCS", "*:off"),
        ("GOWORK", "off"),
    ];
    fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Why a stage may not set a variable: what to do instead.
fn refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "GOPROXY" | "GONOPROXY" | "GOPRIVATE" | "GOINSECURE" | "GOAUTH" | "GOVCS" | "GIT_ALLOW_PROTOCOL" => {
            "modules come from akbuild's own registry; proxies and credentials belong into the environment that akbuild runs in"
        }
        "GOSUMDB" | "GONOSUMDB" | "GONOSUMCHECK" => {
            "modules are checked against go.sum before the stage begins; leave the variable out"
        }
        "GOTOOLCHAIN" => "the go command of the sysroot is used: choose it with `packages` of the sysroot",
        "GOENV" => "no file of settings is read: write them as variables into `env`",
        "GOWORK" => "the module in `folder` is built by itself; a `replace` in its go.mod names other folders",
        "GO111MODULE" => "only modules are built; leave the variable out",
        "GOCACHEPROG" => "nothing is kept between runs; leave the variable out",
        _ => return None,
    })
}

/// Why a stage may not set a flag for all go commands.
fn refused_flag(flag: &str) -> Option<&'static str> {
    match flag.trim_start_matches('-').split('=').next() {
        Some("mod") => Some("the kind of the stage decides it: a vendor folder comes from the option `vendor`"),
        Some("modfile") => Some("go.mod in `folder` is the one that is locked"),
        _ => None,
    }
}

/// The environment of a Go stage, with the recipe's `env` over it.
pub(crate) fn variables(fields: &mut Fields<'_>, proxy: &str) -> Result<BTreeMap<String, String>, RecipeError> {
    let own = fields.variables("env")?;
    let mut all = settings(proxy);
    for (name, value) in own {
        if let Some(help) = refusal(&name) {
            return Err(fields.error("env", format!("a Go stage cannot set `{name}`"), help));
        }
        if name == "GOFLAGS" {
            for flag in value.split_whitespace() {
                if let Some(help) = refused_flag(flag) {
                    return Err(fields.error("env", format!("a Go stage cannot set `{flag}` in `GOFLAGS`"), help));
                }
            }
            all.entry(name).and_modify(|flags| *flags = format!("{flags} {value}"));
        } else {
            all.insert(name, value);
        }
    }
    Ok(all)
}
