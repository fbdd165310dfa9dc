//! What a request's path asks for. A pure function of the path; knows no catalogue.

use akbuild_names::{normalise, percent_decode, unescape_module};

/// What a request's path asks for. All texts are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The description of an npm package.
    NpmPackument {
        /// The package's name, with its scope.
        name: String,
    },
    /// A tarball of an npm package.
    NpmFile {
        /// Its digest as lower-case hex digits.
        hex: String,
        /// What the file is called; says nothing of its content.
        file: String,
    },
    /// A tarball of an npm package by the whole path of an address, as a lock or a `package.json` writes it.
    NpmAddress {
        /// The path.
        path: String,
    },
    /// One of npm's services (`/-/...`: audits, pings), none of which exist here.
    NpmService,
    /// The list of all Python projects.
    PythonIndex,
    /// A project's page in the simple index.
    PythonPage {
        /// The project's name, normalised.
        name: String,
    },
    /// A file of a Python project.
    PythonFile {
        /// Its digest as lower-case hex digits.
        hex: String,
        /// Its name.
        file: String,
    },
    /// The versions of a Go module.
    GoList {
        /// The module's path.
        module: String,
    },
    /// What is known of one version of a Go module.
    GoInfo {
        /// The module's path.
        module: String,
        /// The version.
        version: String,
    },
    /// The `go.mod` of one version.
    GoMod {
        /// The module's path.
        module: String,
        /// The version.
        version: String,
    },
    /// The zip file of one version.
    GoZip {
        /// The module's path.
        module: String,
        /// The version.
        version: String,
    },
    /// The latest version of a Go module, which is not a thing that a lock has.
    GoLatest {
        /// The module's path.
        module: String,
    },
    /// The checksum database, which is not offered.
    GoSumdb,
    /// Nothing that is understood.
    Unknown,
}

/// Reads the path of a request, with or without a query.
pub fn parse_path(target: &str) -> Route {
    let raw = target.split(['?', '#']).next().unwrap_or_default();
    let Some(path) = percent_decode(raw) else { return Route::Unknown };
    let odd =
        |segment: &str| segment == "." || segment == ".." || segment.contains(|c: char| c.is_control() || c == '\\');
    if !path.starts_with('/') || path.split('/').any(odd) {
        return Route::Unknown;
    }
    if let Some(rest) = path.strip_prefix("/pypi/") {
        python(rest).unwrap_or(Route::Unknown)
    } else if let Some(rest) = path.strip_prefix("/go/") {
        go(rest).unwrap_or(Route::Unknown)
    } else if let Some(rest) = path.strip_prefix("/npm/") {
        npm(&path, rest).unwrap_or(Route::Unknown)
    } else {
        Route::Unknown
    }
}

fn python(rest: &str) -> Option<Route> {
    if let Some(rest) = rest.strip_prefix("simple") {
        let name = rest.strip_prefix('/').unwrap_or(rest).trim_end_matches('/');
        if name.is_empty() {
            return (rest.is_empty() || rest == "/").then_some(Route::PythonIndex);
        }
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        return (plain && rest.starts_with('/')).then(|| Route::PythonPage { name: normalise(name) });
    }
    let (hex, file) = rest.strip_prefix("files/")?.split_once('/')?;
    (is_hex(hex) && !file.is_empty() && !file.contains('/'))
        .then(|| Route::PythonFile { hex: hex.to_owned(), file: file.to_owned() })
}

fn go(rest: &str) -> Option<Route> {
    if rest == "sumdb" || rest.starts_with("sumdb/") {
        return Some(Route::GoSumdb);
    }
    if let Some(module) = rest.strip_suffix("/@latest") {
        return Some(Route::GoLatest { module: unescape_module(module)? });
    }
    let (module, file) = rest.rsplit_once("/@v/")?;
    let module = unescape_module(module).filter(|module| !module.is_empty())?;
    if file == "list" {
        return Some(Route::GoList { module });
    }
    let (version, ending) = file.rsplit_once('.')?;
    let version = unescape_module(version).filter(|version| !version.is_empty())?;
    match ending {
        "info" => Some(Route::GoInfo { module, version }),
        "mod" => Some(Route::GoMod { module, version }),
        "zip" => Some(Route::GoZip { module, version }),
        _ => None,
    }
}

/// npm's paths. Pages are named by packages, of which one may be called `-`; everything in the folder `-` is not a page.
fn npm(path: &str, rest: &str) -> Option<Route> {
    if let Some(file) = rest.strip_prefix("-/files/") {
        let (hex, file) = file.split_once('/')?;
        let sound = is_hex(hex) && !file.is_empty() && !file.contains('/');
        return sound.then(|| Route::NpmFile { hex: hex.to_owned(), file: file.to_owned() });
    }
    if rest.starts_with("-/") {
        return Some(Route::NpmService);
    }
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match parts[..] {
        [name] if !name.is_empty() && !name.starts_with('@') => Some(Route::NpmPackument { name: name.to_owned() }),
        [scope, name] if scope.starts_with('@') && !name.is_empty() => {
            Some(Route::NpmPackument { name: format!("{scope}/{name}") })
        }
        [""] | [_] => None,
        _ => Some(Route::NpmAddress { path: path.to_owned() }),
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
