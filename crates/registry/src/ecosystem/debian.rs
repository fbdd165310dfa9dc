//! apt's sources (sources.list(5)): the one-line style and deb822. Only what looks like Debian's own
//! archive is taken: other archives have none of the packages, and need not hear of them.

use std::path::Path;

use akbuild_names::Ecosystem;

use crate::client::configuration::{ClientConfiguration, ConfiguredAddress, ConfiguredRegistries, one_address};
use crate::client::error::ConfigurationError;
use crate::client::machine::{Machine, read_optional};

pub(crate) const CLIENT: ClientConfiguration =
    ClientConfiguration { ecosystem: Ecosystem::Debian, read, split: one_address, client: None };

/// Suites by which an archive is known to be Debian's, whatever its path.
const SUITES: [&str; 12] = [
    "bookworm",
    "bullseye",
    "buster",
    "duke",
    "experimental",
    "forky",
    "oldoldstable",
    "oldstable",
    "sid",
    "stable",
    "testing",
    "trixie",
];

/// One entry of either style.
#[derive(Debug, Default)]
struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    signed_by: Option<String>,
}

fn read(machine: &Machine) -> Result<ConfiguredRegistries, ConfigurationError> {
    let apt = machine.etc.join("apt");
    let mut files = vec![apt.join("sources.list")];
    let folder = apt.join("sources.list.d");
    if folder.is_dir() {
        let mut more = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(ConfigurationError::io(&folder))? {
            more.push(entry.map_err(ConfigurationError::io(&folder))?.path());
        }
        more.sort();
        files.extend(more);
    }
    let mut found: Vec<ConfiguredAddress> = Vec::new();
    for file in files {
        let parse = match file.extension().and_then(|e| e.to_str()) {
            Some("list") => one_line,
            Some("sources") => deb822,
            _ => continue,
        };
        let Some(text) = read_optional(&file)? else { continue };
        let shown = shown(&file, machine);
        let sources = parse(&text).map_err(|(line, expected)| ConfigurationError::Syntax {
            file: shown.clone(),
            line,
            expected: expected.to_owned(),
        })?;
        for uri in sources.iter().filter(|s| s.is_debian()).flat_map(|s| &s.uris) {
            if uri.starts_with("http") && !found.iter().any(|(u, _)| u == uri) {
                found.push((uri.clone(), shown.clone()));
            }
        }
    }
    Ok(ConfiguredRegistries { extra: found, ..ConfiguredRegistries::default() })
}

fn shown(file: &Path, machine: &Machine) -> String {
    match file.strip_prefix(&machine.etc) {
        Ok(rest) => format!("/etc/{}", rest.display()),
        Err(_) => file.display().to_string(),
    }
}

impl Source {
    fn is_debian(&self) -> bool {
        let signed = self.signed_by.as_deref().is_none_or(|s| s.contains("debian") || s.contains("BEGIN PGP"));
        let by_path = |uri: &String| {
            let last = uri.trim_end_matches('/').rsplit('/').next();
            matches!(last, Some("debian" | "debian-security" | "debian-ports"))
        };
        let by_suite = |suite: &String| SUITES.contains(&suite.split(['-', '/']).next().unwrap_or(suite));
        signed && (self.uris.iter().any(by_path) || self.suites.iter().any(by_suite))
    }
}

type Parsed = Result<Vec<Source>, (usize, &'static str)>;

fn one_line(text: &str) -> Parsed {
    let mut sources = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some((kind, mut rest)) = line.split_once(char::is_whitespace) else { continue };
        if kind != "deb" {
            continue;
        }
        let mut source = Source::default();
        rest = rest.trim();
        if let Some(options) = rest.strip_prefix('[') {
            let (options, after) = options.split_once(']').ok_or((number + 1, "`]` after the options"))?;
            source.signed_by = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by=")).map(str::to_owned);
            rest = after;
        }
        let mut words = rest.split_whitespace().map(str::to_owned);
        let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
            return Err((number + 1, "`deb ADDRESS SUITE COMPONENT...`"));
        };
        source.uris.push(uri);
        source.suites.push(suite);
        sources.push(source);
    }
    Ok(sources)
}

fn deb822(text: &str) -> Parsed {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(stanza(&std::mem::take(&mut fields)));
        } else if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut().ok_or((number + 1, "`Field: value`"))?;
            value.push(' ');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':').ok_or((number + 1, "`Field: value`"))?;
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    Ok(sources)
}

fn stanza(fields: &[(String, String)]) -> Option<Source> {
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let words = |name: &str| field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let off = matches!(field("enabled").map(str::to_lowercase).as_deref(), Some("no" | "false" | "off" | "0"));
    let binary = words("types").iter().any(|t| t == "deb");
    (binary && !off).then(|| Source {
        uris: words("uris"),
        suites: words("suites"),
        signed_by: field("signed-by").map(str::to_owned),
    })
}
