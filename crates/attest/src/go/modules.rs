//! The modules of a Go program, in the text form of `runtime/debug.BuildInfo`. Knows its lines; not where they come from.

use akbuild_names::{GoModulePath, GoModuleVersion};
use akbuild_nar::{Algo, Digest};
use data_encoding::BASE64;

use super::error::GoError;

/// What a Go program says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoBinary {
    /// The version of go: `go1.26.8`.
    pub go: String,
    /// The path of the main package; none if it was built without modules.
    pub path: Option<String>,
    /// The module of the main package.
    pub main: Option<GoModule>,
    /// The other modules of which something is inside, in the order in which they stand there.
    pub deps: Vec<GoModule>,
}

/// A module in a Go program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoModule {
    /// Its path.
    pub path: String,
    /// Its version; `(devel)` or empty if it was built from a folder.
    pub version: String,
    /// Its `h1:` hash, an [`Algo::GoZip`]. None for what was built from a folder, for what is replaced and, with
    /// `-mod=vendor`, for all: then `go.sum` has it.
    pub sum: Option<Digest>,
    /// The module that was taken instead.
    pub replaced_by: Option<Box<GoModule>>,
}

impl GoModule {
    /// The module whose files are inside: its replacement, if it has one.
    pub fn effective(&self) -> &GoModule {
        self.replaced_by.as_deref().unwrap_or(self)
    }

    /// Its path and version as those of a module that a proxy has; `None` for the main module of a folder, for one of a
    /// workspace and for a folder that replaces a module.
    pub fn published(&self) -> Option<(GoModulePath, GoModuleVersion)> {
        Some((self.path.parse().ok()?, self.version.parse().ok()?))
    }
}

const MODULE: &str = "a module: path, version and perhaps a `h1:` hash";
const REPLACEMENT: &str = "a replacement behind a module that has none";
/// How much of a line is shown.
const SHOWN: usize = 80;

/// Reads the text. Lines of kinds that are not known, such as `build`, are passed over, as go itself does.
pub(super) fn parse(go: &str, text: &str) -> Result<GoBinary, GoError> {
    let mut binary = GoBinary { go: go.to_owned(), path: None, main: None, deps: Vec::new() };
    // What a replacement would belong to.
    let mut last = Last::None;
    for (number, line) in text.lines().enumerate() {
        let wrong = |expected| {
            let found = line[..line.floor_char_boundary(SHOWN)].to_owned();
            GoError::Line { line: number + 1, found, expected }
        };
        let (word, rest) = line.split_once('\t').unwrap_or((line, ""));
        match word {
            "path" => binary.path = Some(rest.to_owned()),
            "mod" => {
                binary.main = Some(module(rest).ok_or_else(|| wrong(MODULE))?);
                last = Last::Main;
            }
            "dep" => {
                binary.deps.push(module(rest).ok_or_else(|| wrong(MODULE))?);
                last = Last::Dep;
            }
            "=>" => {
                let replaced = match std::mem::replace(&mut last, Last::None) {
                    Last::Main => binary.main.as_mut(),
                    Last::Dep => binary.deps.last_mut(),
                    Last::None => None,
                };
                let replaced = replaced.ok_or_else(|| wrong(REPLACEMENT))?;
                replaced.replaced_by = Some(Box::new(module(rest).ok_or_else(|| wrong(MODULE))?));
            }
            _ => {}
        }
    }
    Ok(binary)
}

enum Last {
    None,
    Main,
    Dep,
}

fn module(text: &str) -> Option<GoModule> {
    let columns: Vec<&str> = text.splitn(4, '\t').collect();
    let (path, version, sum) = match columns[..] {
        [path, version] => (path, version, ""),
        [path, version, sum] => (path, version, sum),
        _ => return None,
    };
    if path.is_empty() {
        return None;
    }
    let sum = match sum.strip_prefix("h1:") {
        Some(hash) => Some(Digest::new(Algo::GoZip, &BASE64.decode(hash.as_bytes()).ok()?).ok()?),
        None => None,
    };
    Some(GoModule { path: path.to_owned(), version: version.to_owned(), sum, replaced_by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn modules_and_their_replacements() {
        let text = format!(
            "path\texample.org/a/cmd\nmod\texample.org/a\t(devel)\t\ndep\texample.org/old\tv2.0.0+incompatible\t{SUM}\n\
             dep\texample.org/b\tv1.0.0\n=>\texample.org/fork\tv1.1.0\t{SUM}\ndep\texample.org/c\tv1.0.0\n=>\t./c\t\t\n\
             dep\texample.org/d\tv0.1.0\tother:x\nbuild\t-ldflags=\"-s\\t-w\"\nunheard of\n"
        );
        let binary = parse("go1.26", &text).unwrap();
        let shown: Vec<String> = binary.main.iter().chain(&binary.deps).map(show).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        example.org/a (devel) sum: false
        example.org/old v2.0.0+incompatible sum: true
        example.org/b v1.0.0 sum: false => example.org/fork v1.1.0 sum: true
        example.org/c v1.0.0 sum: false => ./c  sum: false
        example.org/d v0.1.0 sum: false
        ");
        assert_eq!(binary.path.as_deref(), Some("example.org/a/cmd"));
        assert_eq!(binary.deps[1].effective().path, "example.org/fork");
        let published = binary.main.iter().chain(&binary.deps).map(|module| module.effective().published().is_some());
        assert_eq!(published.collect::<Vec<_>>(), [false, true, true, false, true]);
        assert_eq!(
            binary.deps[0].effective().sum,
            Some(Digest::sha256(b"")).map(|d| Digest::new(Algo::GoZip, d.as_bytes()).unwrap())
        );
    }

    fn show(module: &GoModule) -> String {
        let replaced = module.replaced_by.as_ref().map(|r| format!(" => {}", show(r))).unwrap_or_default();
        format!("{} {} sum: {}{replaced}", module.path, module.version, module.sum.is_some())
    }

    #[test]
    fn lines_that_do_not_belong_there_are_named() {
        let wrong = |text: &str| parse("go1.26", text).unwrap_err().to_string();
        insta::assert_snapshot!(wrong("path\tx\ndep\texample.org/a"), @r#"its build information is damaged: line 2 is "dep\texample.org/a", expected a module: path, version and perhaps a `h1:` hash"#);
        insta::assert_snapshot!(wrong("dep\t\tv1\t"), @r#"its build information is damaged: line 1 is "dep\t\tv1\t", expected a module: path, version and perhaps a `h1:` hash"#);
        insta::assert_snapshot!(wrong("dep\ta\tv1\th1:AAAA"), @r#"its build information is damaged: line 1 is "dep\ta\tv1\th1:AAAA", expected a module: path, version and perhaps a `h1:` hash"#);
        insta::assert_snapshot!(wrong("dep\ta\tv1\t\tmore"), @r#"its build information is damaged: line 1 is "dep\ta\tv1\t\tmore", expected a module: path, version and perhaps a `h1:` hash"#);
        insta::assert_snapshot!(wrong("=>\ta\tv1"), @r#"its build information is damaged: line 1 is "=>\ta\tv1", expected a replacement behind a module that has none"#);
        insta::assert_snapshot!(wrong("dep\ta\tv1\n=>\tb\tv1\n=>\tc\tv1"), @r#"its build information is damaged: line 3 is "=>\tc\tv1", expected a replacement behind a module that has none"#);
        insta::assert_snapshot!(wrong(&format!("dep\tx{}", "ä".repeat(100_000))), @r#"its build information is damaged: line 1 is "dep\txäääääääääääääääääääääääääääääääääääää", expected a module: path, version and perhaps a `h1:` hash"#);
    }

    #[test]
    fn a_program_without_modules_has_none() {
        let binary = parse("go1.26", "").unwrap();
        assert_eq!(binary, GoBinary { go: "go1.26".into(), path: None, main: None, deps: vec![] });
    }
}
