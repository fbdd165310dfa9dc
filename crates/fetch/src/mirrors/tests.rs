//! Mirrors as the machine's own clients configure them. Reads no configuration but what each test writes.

use akbuild_registry::registry_client;

use super::*;
use std::fs;

struct Place(tempfile::TempDir, Machine);

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let machine = Machine { home: Some(at("home")), etc: at("etc"), project: at("project"), ..Machine::default() };
    Place(dir, machine)
}

impl Place {
    fn file(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.1.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn found(&self) -> String {
        match discover(&self.1, &Overrides::default(), &mut |_| None) {
            Ok(mirrors) => shown(&mirrors),
            Err(error) => format!("error: {error}"),
        }
    }
}

fn shown(mirrors: &Mirrors) -> String {
    let mut out = String::new();
    let mut line = |kind: &str, base: &MirrorBase| out.push_str(&format!("{kind} {} ({})\n", base.url, base.from));
    for ecosystem in Ecosystem::ALL {
        mirrors.of(ecosystem).iter().for_each(|b| line(ecosystem.as_str(), b));
        mirrors.npm_scopes.iter().filter(|_| ecosystem == Ecosystem::Npm).for_each(|(s, b)| line(s, b));
    }
    for rule in &mirrors.auth {
        out.push_str(&format!("auth {} {} {}\n", rule.host, rule.path, crate::auth::header(&rule.secret)));
    }
    out
}

#[test]
fn every_ecosystem_has_its_row() {
    assert_eq!(ClientConfiguration::ALL.map(|configuration| configuration.ecosystem), Ecosystem::ALL);
    let programs = Ecosystem::ALL.map(|ecosystem| registry_client(ecosystem).map(|client| client.program));
    assert_eq!(programs, [Some("npm"), Some("python3"), Some("go"), None]);
}

#[test]
fn nothing_configured_is_no_error() {
    insta::assert_snapshot!(place().found(), @"");
}
#[test]
fn what_nothing_says_is_asked() {
    let place = place();
    let mut asked = Vec::new();
    let mirrors = discover(&place.1, &Overrides::default(), &mut |q| {
        asked.push(q);
        Some("https://asked.invalid/x,direct".replace(",direct", if q == Ecosystem::Go { ",direct" } else { "" }))
    });
    assert_eq!(asked, [Ecosystem::Npm, Ecosystem::Python, Ecosystem::Go]);
    insta::assert_snapshot!(shown(&mirrors.unwrap()), @"
    npm https://asked.invalid/x/ (npm)
    python https://asked.invalid/x/ (Python's client)
    go https://asked.invalid/x/ (go)
    ");
}
#[test]
fn the_overlay_stands_alone_and_nothing_is_there_twice() {
    let place = place().env("npm_config_registry", "https://machine.invalid").env("GOPROXY", "https://go.invalid");
    let overrides = Overrides {
        bases: BTreeMap::from([
            (
                Ecosystem::Npm,
                vec!["https://b.invalid/npm".into(), "https://a.invalid/".into(), "https://a.invalid".into()],
            ),
            (Ecosystem::Python, vec!["https://p.invalid/simple".into()]),
            (Ecosystem::Debian, vec!["http://me:pw@d.invalid/debian".into()]),
        ]),
        mirrors_only: true,
    };
    let mirrors =
        discover(&place.1, &overrides, &mut |q| panic!("{q:?} is asked although something answers it")).unwrap();
    assert!(mirrors.mirrors_only);
    insta::assert_snapshot!(shown(&mirrors), @"
    npm https://b.invalid/npm/ (akbuild.local.toml)
    npm https://a.invalid/ (akbuild.local.toml)
    python https://p.invalid/simple/ (akbuild.local.toml)
    go https://go.invalid/ (GOPROXY)
    debian http://d.invalid/debian/ (akbuild.local.toml)
    auth d.invalid /debian/ Basic bWU6cHc=
    ");
}
#[test]
fn npm_files_in_npm_order_with_scopes_and_secrets() {
    let place = place()
        .env("NPM_TOKEN", "t0ken")
        .file("project/.npmrc", "@mine:registry = https://mine.invalid/npm/\n; comment\n")
        .file("home/.npmrc", "registry=https://user.invalid/\n//mine.invalid/npm/:_authToken=${NPM_TOKEN}\n")
        .file("etc/npmrc", "registry=https://etc.invalid/\n//u.invalid/:username=me\n//u.invalid/:_password=cHc=\n");
    insta::assert_snapshot!(place.found(), @"
    npm https://user.invalid/ (~/.npmrc)
    @mine https://mine.invalid/npm/ (.npmrc)
    auth mine.invalid /npm/ Bearer t0ken
    auth u.invalid / Basic bWU6cHc=
    ");
    let mirrors = discover(&place.1, &Overrides::default(), &mut |_| None).unwrap();
    let hosts = |p: &str| mirrors.npm_for(p).iter().map(|b| b.url.host_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(hosts("@mine/a"), ["mine.invalid", "user.invalid"]);
    assert_eq!(hosts("left-pad"), ["user.invalid"]);
}
#[test]
fn python_variables_go_before_files_and_uv_before_pip() {
    let files = || {
        place()
            .file("home/.config/uv/uv.toml", "[[index]]\nname = \"x\"\nurl = \"https://extra.invalid/simple\"\n\n[[index]]\nurl = \"https://uv.invalid/simple\"\ndefault = true\n")
            .file("etc/pip.conf", "[global]\nindex-url = https://pip.invalid/simple\nextra-index-url =\n    https://one.invalid/simple\n    https://two.invalid/simple\n")
    };
    insta::assert_snapshot!(files().found(), @"
    python https://uv.invalid/simple/ (~/.config/uv/uv.toml)
    python https://extra.invalid/simple/ (~/.config/uv/uv.toml)
    python https://one.invalid/simple/ (/etc/pip.conf)
    python https://two.invalid/simple/ (/etc/pip.conf)
    ");
    let with_env = files().env("PIP_INDEX_URL", "https://me:s3cret@env.invalid/simple");
    insta::assert_snapshot!(with_env.found(), @"
    python https://env.invalid/simple/ (PIP_INDEX_URL)
    python https://extra.invalid/simple/ (~/.config/uv/uv.toml)
    python https://one.invalid/simple/ (/etc/pip.conf)
    python https://two.invalid/simple/ (/etc/pip.conf)
    auth env.invalid /simple/ Basic bWU6czNjcmV0
    ");
}
#[test]
fn go_from_the_environment_or_its_file() {
    let in_file = place().file("home/.config/go/env", "GOFLAGS=-mod=mod\nGOPROXY=https://file.invalid|direct\n");
    insta::assert_snapshot!(in_file.found(), @"go https://file.invalid/ (~/.config/go/env)");
    let in_env = in_file.env("GOPROXY", "https://a.invalid,https://b.invalid/go,direct,off,https://c.invalid");
    insta::assert_snapshot!(in_env.found(), @"
    go https://a.invalid/ (GOPROXY)
    go https://b.invalid/go/ (GOPROXY)
    ");
}
#[test]
fn apt_in_both_styles_but_only_debian() {
    let place = place()
        .file("etc/apt/sources.list", "deb [arch=amd64 signed-by=/k/debian-archive-keyring.gpg] http://one.invalid/debian forky main # x\ndeb-src http://src.invalid/debian forky main\ndeb http://other.invalid/apt nodistro main\n")
        .file("etc/apt/sources.list.d/debian.sources", "Types: deb deb-src\nURIs: http://one.invalid/debian\n  http://two.invalid/debian/\nSuites: forky forky-updates\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://off.invalid/debian\nSuites: sid\n")
        .file("etc/apt/sources.list.d/docker.list", "deb [signed-by=/k/docker.asc] https://docker.invalid/linux/debian forky stable\n")
        .file("etc/apt/sources.list.d/x.list.disabled", "deb http://disabled.invalid/debian forky main\n");
    insta::assert_snapshot!(place.found(), @"
    debian http://one.invalid/debian/ (/etc/apt/sources.list)
    debian http://two.invalid/debian/ (/etc/apt/sources.list.d/debian.sources)
    ");
}
#[test]
fn errors_name_file_and_line() {
    insta::assert_snapshot!(place().file("home/.npmrc", "a=b\n[broken\n").found(), @"error: ~/.npmrc:2: expected `key = value`, a comment or a `[section]`");
    insta::assert_snapshot!(place().file("project/uv.toml", "a = 1\nindex = 3\n").found(), @"error: uv.toml:2: expected `[[index]]` tables");
    insta::assert_snapshot!(place().file("project/uv.toml", "a = 1\nindex-url = \n").found(), @"error: uv.toml:2: expected TOML (expected a value, found a newline)");
    insta::assert_snapshot!(place().file("etc/apt/sources.list", "\ndeb [x http://a.invalid y\n").found(), @"error: /etc/apt/sources.list:2: expected `]` after the options");
    insta::assert_snapshot!(place().file("etc/apt/sources.list.d/a.sources", "Types: deb\nnonsense\n").found(), @"error: /etc/apt/sources.list.d/a.sources:2: expected `Field: value`");
    insta::assert_snapshot!(place().env("GOPROXY", "ftp://me:s3cret@a.invalid/").found(), @"error: GOPROXY: `ftp://a.invalid/` is refused: its scheme is not supported; write an https address");
}

/// What stands for a user and a password below.
const SECRETS: [&str; 2] = ["us3r", "s3cret"];

/// Ways to write an address wrongly.
const WRONG: [&str; 8] = [
    "ftp://us3r:s3cret@a.invalid/",
    "us3r:s3cret@a.invalid/",
    "https//us3r:s3cret@a.invalid/",
    "https://us3r:s3cret/@a.invalid/",
    "https://us3r:s3cret@a.invalid:port/",
    "https://us3r:s3cret@[a.invalid/",
    "https://us3r:s3cret",
    "https://us3r:s3cret#@a invalid/",
];

#[test]
fn no_message_shows_a_secret_of_a_malformed_line() {
    let hides = |place: Place| {
        let shown = place.found();
        assert!(shown.starts_with("error: "), "{shown}");
        assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
    };
    for address in WRONG {
        hides(place().file("home/.npmrc", &format!("registry={address}\n")));
        hides(place().file("home/.npmrc", &format!("@mine:registry={address}\n")));
        hides(place().env("npm_config_registry", address));
        hides(place().file("etc/pip.conf", &format!("[global]\nindex-url = {address}\n")));
        hides(place().env("UV_DEFAULT_INDEX", &format!("name={address}")));
        hides(place().file("project/uv.toml", &format!("index-url = \"{address}\"\n")));
        hides(place().file("project/uv.toml", &format!("index-url = {address}\n")));
        hides(place().file("project/uv.toml", &format!("\"{address}\" = 1\n\"{address}\" = 1\n")));
        hides(place().env("GOPROXY", &format!("{address}|direct")));
        hides(place().file("home/.config/go/env", &format!("GOPROXY={address}\n")));
    }
    hides(place().file("home/.npmrc", "[//a.invalid/:_authToken=s3cret\n"));
    hides(place().file("etc/pip.conf", "[https://us3r:s3cret@a.invalid\n"));
    hides(place().file("etc/apt/sources.list", "deb [x https://us3r:s3cret@a.invalid/debian sid main\n"));
    hides(place().file("etc/apt/sources.list", "deb https://us3r:s3cret@a.invalid/debian\n"));
    hides(place().file("etc/apt/sources.list", "deb https://us3r:s3cret/@a.invalid/debian sid main\n"));
    hides(place().file("etc/apt/sources.list.d/a.sources", "Types deb https//us3r s3cret\n"));
    hides(place().file("home/.netrc", "machine a.invalid login us3r passwrd s3cret\n"));
    hides(place().file("home/.netrc", "login us3r password s3cret\n"));
}

#[test]
fn the_overlay_hides_secrets_too() {
    for address in WRONG {
        let overrides = Overrides {
            bases: BTreeMap::from([(Ecosystem::Python, vec![address.to_owned()])]),
            ..Overrides::default()
        };
        let shown = discover(&place().1, &overrides, &mut |_| None).unwrap_err().to_string();
        assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
    }
}

#[test]
fn a_link_belongs_to_the_base_that_its_page_was_read_from() {
    let base = |text: &str| MirrorBase { url: Url::parse(text).unwrap(), from: "pip.conf".to_owned() };
    let bases = [base("https://a.invalid/simple/"), base("file:///srv/simple/")];
    let link = |page: &str, href: &str| MirrorBase::link_of(&bases, &Url::parse(page).unwrap(), href).is_ok();
    assert!(link("https://a.invalid/simple/x/", "https://b.invalid/x.whl"));
    assert!(link("file:///srv/simple/x/", "file:///srv/simple/x.whl"));
    // The page comes from the web, although the file lies below another configured base.
    assert!(!link("https://a.invalid/simple/x/", "file:///srv/simple/x.whl"));
    assert!(!link("file:///srv/simple/x/", "file:///srv/other/x.whl"));
    assert!(!link("file:///srv/other/x/", "file:///srv/simple/x.whl"));
}
