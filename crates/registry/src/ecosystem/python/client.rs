//! The configuration that uv reads in a stage: a file that akbuild writes in place of all settings files that uv would
//! find by itself. It holds the project's settings that concern the packages themselves. Settings that say where
//! packages come from are left out, since the loopback registry takes the place of every index. A setting that akbuild
//! does not know is an error: it could lead uv elsewhere. `docs/stages.md` lists all settings.

use toml_span::Value;
use toml_span::value::{Table, ValueInner};

use super::choices::BuildChoices;
use super::settings::build_choices;
use super::toml::Document;
use crate::LockError;

const ADVICE: &str = "remove it, or report that akbuild should know it";

/// Settings that uv reads in the stage as the project has them.
const KEPT: [&str; 22] = [
    "config-settings",
    "config-settings-package",
    "dependency-metadata",
    "exclude-newer",
    "exclude-newer-package",
    "extra-build-dependencies",
    "extra-build-variables",
    "no-binary",
    "no-binary-package",
    "no-build",
    "no-build-isolation",
    "no-build-isolation-package",
    "no-build-package",
    "no-sources",
    "no-sources-package",
    "prerelease",
    "prerelease-package",
    "preview",
    "preview-features",
    "require-build-hashes",
    "required-version",
    "resolution",
];

/// Settings that the loopback registry, the stage's options or the script replace.
const REPLACED: [&str; 34] = [
    "allow-insecure-host",
    "audit",
    "cache-dir",
    "check-url",
    "compile-bytecode",
    "concurrent-builds",
    "concurrent-downloads",
    "concurrent-installs",
    "extra-index-url",
    "find-links",
    "graalpy-install-mirror",
    "http-proxy",
    "https-proxy",
    "index",
    "index-strategy",
    "index-url",
    "keyring-provider",
    "link-mode",
    "native-tls",
    "no-cache",
    "no-index",
    "no-proxy",
    "offline",
    "pip",
    "publish-url",
    "pyodide-install-mirror",
    "pypy-install-mirror",
    "python-downloads",
    "python-downloads-json-url",
    "python-install-mirror",
    "python-preference",
    "system-certs",
    "torch-backend",
    "trusted-publishing",
];

/// Settings that uv reads from `pyproject.toml` itself, wherever its configuration is, and those that `--frozen` leaves
/// without effect.
const OF_THE_PROJECT: [&str; 23] = [
    "add-bounds",
    "build-backend",
    "build-constraint-dependencies",
    "cache-keys",
    "conflicts",
    "constraint-dependencies",
    "default-groups",
    "dependency-groups",
    "dev-dependencies",
    "environments",
    "exclude-dependencies",
    "fork-strategy",
    "managed",
    "minimum-libc-version",
    "override-dependencies",
    "package",
    "reinstall",
    "reinstall-package",
    "required-environments",
    "sources",
    "upgrade",
    "upgrade-package",
    "workspace",
];

/// Settings whose entries are requirements of builds, which uv resolves in the stage.
const REQUIREMENTS: [&str; 2] = ["build-constraint-dependencies", "extra-build-dependencies"];

/// The settings that uv finds for a project.
#[derive(Clone, Debug, Default)]
pub struct ClientSettings {
    pub(crate) choices: BuildChoices,
    /// Keys and values as TOML, sorted.
    kept: Vec<(String, String)>,
}

impl ClientSettings {
    /// Reads the first of these files that has settings: names and texts, the nearest to the project first. uv
    /// passes over a `pyproject.toml` without `[tool.uv]`.
    ///
    /// # Errors
    /// A file is not TOML, or it has a setting that akbuild does not know.
    pub fn find<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LockError> {
        for (file, text) in files {
            let doc = Document { text, file, advice: ADVICE };
            let value = doc.parse()?;
            let top = doc.table(&value, file)?;
            if !file.ends_with("pyproject.toml") {
                return Self::read(&doc, top);
            }
            let tool = doc.sub(top, "tool")?;
            if let Some(uv) = tool.map(|tool| doc.sub(tool, "uv")).transpose()?.flatten() {
                return Self::read(&doc, uv);
            }
        }
        Ok(Self::default())
    }

    fn read<'a>(doc: &Document<'a>, settings: &Table<'a>) -> Result<Self, LockError> {
        let mut kept = Vec::new();
        for (key, value) in settings {
            let name = &*key.name;
            if REQUIREMENTS.contains(&name) {
                addresses(doc, value)?;
            }
            if KEPT.contains(&name) {
                kept.push((name.to_owned(), written(value)));
            } else if !REPLACED.contains(&name) && !OF_THE_PROJECT.contains(&name) {
                let problem = format!("`{name}` is a setting of uv that akbuild does not know");
                return Err(doc.wrong(key.span.start, &problem));
            }
        }
        kept.sort();
        Ok(Self { choices: build_choices(doc, settings)?, kept })
    }

    /// The text of the configuration file.
    pub fn configuration(&self) -> String {
        self.kept.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}

/// Refuses requirements that name an address, which no registry can stand for.
fn addresses(doc: &Document<'_>, value: &Value<'_>) -> Result<(), LockError> {
    match value.as_ref() {
        ValueInner::String(text) if text.contains("://") => {
            let problem = format!("`{text}` is a requirement at an address, which a stage cannot ask");
            Err(doc.wrong(value.span.start, &problem))
        }
        ValueInner::Array(items) => items.iter().try_for_each(|item| addresses(doc, item)),
        ValueInner::Table(table) => table.values().try_for_each(|item| addresses(doc, item)),
        _ => Ok(()),
    }
}

/// A value as TOML on one line.
fn written(value: &Value<'_>) -> String {
    match value.as_ref() {
        ValueInner::String(text) => quoted(text),
        ValueInner::Integer(number) => number.to_string(),
        ValueInner::Float(number) => format!("{number:?}"),
        ValueInner::Boolean(truth) => truth.to_string(),
        ValueInner::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        ValueInner::Table(table) => {
            let pair = |(key, value): (&toml_span::value::Key<'_>, &Value<'_>)| {
                format!("{} = {}", quoted(&key.name), written(value))
            };
            format!("{{ {} }}", table.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A basic string: JSON's escapes are TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(files: &[(&str, &str)]) -> String {
        match ClientSettings::find(files.iter().copied()) {
            Ok(settings) => settings.configuration(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_leads_to_an_index_is_left_out() {
        let uv = "[tool.uv]\nexclude-newer = \"2026-06-01T00:00:00Z\"\nindex-url = \"https://index.invalid/simple\"\n\
            extra-index-url = [\"https://more.invalid\"]\nfind-links = [\"./wheels\"]\nno-index = true\noffline = true\n\
            config-settings = { \"--x\" = [\"a\\\"b\", \"c\"] }\nno-binary-package = [\"A\"]\nbuild-constraint-dependencies = [\"setuptools<80\"]\n\
            [[tool.uv.index]]\nname = \"x\"\nurl = \"https://index.invalid/simple\"\n[tool.uv.pip]\nindex-url = \"https://index.invalid\"\n\
            [tool.uv.extra-build-variables]\ndocopt = { A = \"1\" }\n";
        insta::assert_snapshot!(find(&[("pyproject.toml", uv)]), @r#"
        config-settings = { "--x" = ["a\"b", "c"] }
        exclude-newer = "2026-06-01T00:00:00Z"
        extra-build-variables = { "docopt" = { "A" = "1" } }
        no-binary-package = ["A"]
        "#);
    }

    #[test]
    fn the_nearest_file_with_settings_counts_alone() {
        let (uv, plain) = ("no-build = true\n", "[project]\nname = \"a\"\n[tool.other]\nx = 1\n");
        let own = "[tool.uv]\nno-binary = true\n";
        assert_eq!(find(&[("a/uv.toml", uv), ("a/pyproject.toml", own)]), uv);
        assert_eq!(find(&[("a/pyproject.toml", own), ("uv.toml", uv)]), "no-binary = true\n");
        assert_eq!(find(&[("a/pyproject.toml", plain), ("uv.toml", uv)]), uv);
        assert_eq!(find(&[("a/pyproject.toml", plain)]), "");
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        insta::assert_snapshot!(find(&[("app/uv.toml", "new-index = \"x\"\n")]), @"app/uv.toml:1:1: `new-index` is a setting of uv that akbuild does not know; remove it, or report that akbuild should know it");
        let address =
            "[tool.uv.extra-build-dependencies]\na = [{ requirement = \"b @ https://files.invalid/b-1.zip\" }]\n";
        insta::assert_snapshot!(find(&[("pyproject.toml", address)]), @"pyproject.toml:2:23: `b @ https://files.invalid/b-1.zip` is a requirement at an address, which a stage cannot ask; remove it, or report that akbuild should know it");
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let page = include_str!("../../../../../docs/stages.md");
        let listed = |name: &&str| page.contains(&format!("`{name}`"));
        let missing: Vec<&str> =
            [&KEPT[..], &REPLACED, &OF_THE_PROJECT].concat().into_iter().filter(|name| !listed(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn no_setting_is_listed_twice() {
        let mut all = [&KEPT[..], &REPLACED, &OF_THE_PROJECT].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
