//! Short names of licences in copyright files, and what SPDX calls them. Knows DEP-5's names and combinations, and
//! spellings that are common beside them; a name that could be several licences (`BSD`, `GPL`, `Artistic`) is none.

use crate::{Licence, spdx};

/// Short names in lower case that neither are SPDX's own nor follow a rule.
const NAMES: [(&str, &str); 21] = [
    ("apache-2", "Apache-2.0"),
    ("artistic-2", "Artistic-2.0"),
    ("asl-2.0", "Apache-2.0"),
    ("boost-1.0", "BSL-1.0"),
    ("bsd-2-clauses", "BSD-2-Clause"),
    ("bsd-3-clauses", "BSD-3-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("bsd3", "BSD-3-Clause"),
    ("bsl-1", "BSL-1.0"),
    ("cc0", "CC0-1.0"),
    ("expat", "MIT"),
    ("mit/expat", "MIT"),
    ("mit-expat", "MIT"),
    ("mpl-2", "MPL-2.0"),
    ("openldap-2.8", "OLDAP-2.8"),
    ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("psf-2", "PSF-2.0"),
    ("python-2", "Python-2.0"),
    ("sil-1.1", "OFL-1.1"),
    ("sil-ofl-1.1", "OFL-1.1"),
    ("wtfpl-2", "WTFPL"),
];

/// Exceptions in lower case that are not called as SPDX calls them.
const EXCEPTIONS: [(&str, &str); 8] = [
    ("bison exception", "Bison-exception-2.2"),
    ("classpath exception", "Classpath-exception-2.0"),
    ("font exception", "Font-exception-2.0"),
    ("gcc runtime library exception", "GCC-exception-3.1"),
    ("libtool exception", "Libtool-exception"),
    ("linux-syscall-note exception", "Linux-syscall-note"),
    ("llvm exception", "LLVM-exception"),
    ("texinfo exception", "Texinfo-exception"),
];

/// The GNU licences, of which versions are written in many ways.
const FAMILIES: [(&str, &str); 6] =
    [("gfdl-niv", "GFDL"), ("gfdl", "GFDL"), ("agpl", "AGPL"), ("lgpl", "LGPL"), ("gpl", "GPL"), ("fdl", "GFDL")];

/// Longer ones are texts.
const LONGEST: usize = 512;

/// What a paragraph's `License` says in its first line; `None` if it says nothing there.
pub(super) fn licence(text: &str) -> Option<Licence> {
    let known = if text.len() <= LONGEST { combination(&text.to_ascii_lowercase()) } else { None };
    known.and_then(|expression| Licence::spdx(bare(&expression))).or_else(|| Licence::written(text))
}

/// An expression without brackets around the whole of it.
fn bare(expression: &str) -> &str {
    let inner = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inner.filter(|inner| !inner.contains(['(', ')'])).unwrap_or(expression)
}

/// Names with `and` and `or` between them. As in SPDX `and` binds tighter, but a comma before one of them binds least.
fn combination(text: &str) -> Option<String> {
    match (text.contains(", and "), text.contains(", or ")) {
        (false, false) => joined(text, " or ", " OR ", |part| joined(part, " and ", " AND ", name)),
        (true, false) => joined(text, ", and ", " AND ", grouped),
        (false, true) => joined(text, ", or ", " OR ", grouped),
        (true, true) => None,
    }
}

fn grouped(part: &str) -> Option<String> {
    combination(part).map(|inner| if inner.contains(' ') { format!("({inner})") } else { inner })
}

fn joined(text: &str, between: &str, spdx: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    Some(text.split(between).map(|part| read(part.trim())).collect::<Option<Vec<_>>>()?.join(spdx))
}

/// One name, perhaps with an exception.
fn name(text: &str) -> Option<String> {
    if let Some((licence, exception)) = text.split_once(" with ") {
        let listed = EXCEPTIONS.iter().find(|(name, _)| *name == exception).map(|(_, id)| *id);
        let exception = spdx::exception(exception).or(listed)?;
        return Some(format!("{} WITH {exception}", name_alone(licence.trim())?));
    }
    let listed = NAMES.iter().find(|(name, _)| *name == text).map(|(_, id)| (*id).to_owned());
    listed.map(|id| if id.contains(" OR ") { format!("({id})") } else { id }).or_else(|| name_alone(text))
}

fn name_alone(text: &str) -> Option<String> {
    gnu(text).or_else(|| spdx::id(text).map(str::to_owned))
}

/// `gpl-2+`, `lgplv2.1+`, `gfdl-niv-1.3`, `agpl-3.0-or-later`.
fn gnu(text: &str) -> Option<String> {
    let (prefix, family) = FAMILIES.iter().find(|(prefix, _)| text.starts_with(prefix))?;
    let rest = text[prefix.len()..].trim_start_matches('-');
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (version, suffix) = rest.split_at(end);
    let suffix = match suffix {
        "" | "-only" => "only",
        "+" | "-or-later" => "or-later",
        _ => return None,
    };
    let version = if version.contains('.') { version.to_owned() } else { format!("{version}.0") };
    let invariants = if *prefix == "gfdl-niv" { "no-invariants-" } else { "" };
    spdx::id(&format!("{family}-{version}-{invariants}{suffix}")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spdx_has_what_is_mapped_to() {
        for (name, id) in NAMES {
            assert!(Licence::spdx(id).is_some(), "{id}");
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(licence(name).unwrap().is_spdx(), "{name}");
        }
        for (name, id) in EXCEPTIONS {
            assert_eq!(spdx::exception(id), Some(id));
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn short_names_become_identifiers() {
        let all = [
            "GPL-2+",
            "GPL-2",
            "GPL-3.0",
            "GPLv3+",
            "gpl-1+",
            "GPL-2.0-only",
            "LGPL-2+",
            "LGPL-2.1+",
            "LGPLv2.1+",
            "LGPL-3",
            "AGPL-3+",
            "GFDL-NIV-1.3+",
            "GFDL-1.2",
            "FDL-1.3+",
            "Expat",
            "MIT",
            "BSD-3-clause",
            "BSD-4-clause-UC",
            "Apache-2.0",
            "Apache-2",
            "CC0",
            "Perl",
            "ISC",
            "zlib",
            "curl",
            "OpenLDAP-2.8",
            "GPL-2 with Linux-syscall-note exception",
            "GPL-3+ with GCC Runtime Library exception",
            "Apache-2.0 with LLVM-exception",
            "GPL-1+ or Perl",
            "GPL-2+ and LGPL-2.1+ or Expat",
            "GPL-2+ or Expat, and BSD-3-clause",
            "GPL-2+ or Expat, and ISC or zlib",
            "Perl and Expat",
            "MIT AND ISC",
        ];
        let shown: Vec<String> =
            all.iter().map(|name| format!("{name}: {}", licence(name).unwrap().as_str())).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        GPL-2+: GPL-2.0-or-later
        GPL-2: GPL-2.0-only
        GPL-3.0: GPL-3.0-only
        GPLv3+: GPL-3.0-or-later
        gpl-1+: GPL-1.0-or-later
        GPL-2.0-only: GPL-2.0-only
        LGPL-2+: LGPL-2.0-or-later
        LGPL-2.1+: LGPL-2.1-or-later
        LGPLv2.1+: LGPL-2.1-or-later
        LGPL-3: LGPL-3.0-only
        AGPL-3+: AGPL-3.0-or-later
        GFDL-NIV-1.3+: GFDL-1.3-no-invariants-or-later
        GFDL-1.2: GFDL-1.2-only
        FDL-1.3+: GFDL-1.3-or-later
        Expat: MIT
        MIT: MIT
        BSD-3-clause: BSD-3-Clause
        BSD-4-clause-UC: BSD-4-Clause-UC
        Apache-2.0: Apache-2.0
        Apache-2: Apache-2.0
        CC0: CC0-1.0
        Perl: Artistic-1.0-Perl OR GPL-1.0-or-later
        ISC: ISC
        zlib: Zlib
        curl: curl
        OpenLDAP-2.8: OLDAP-2.8
        GPL-2 with Linux-syscall-note exception: GPL-2.0-only WITH Linux-syscall-note
        GPL-3+ with GCC Runtime Library exception: GPL-3.0-or-later WITH GCC-exception-3.1
        Apache-2.0 with LLVM-exception: Apache-2.0 WITH LLVM-exception
        GPL-1+ or Perl: GPL-1.0-or-later OR (Artistic-1.0-Perl OR GPL-1.0-or-later)
        GPL-2+ and LGPL-2.1+ or Expat: GPL-2.0-or-later AND LGPL-2.1-or-later OR MIT
        GPL-2+ or Expat, and BSD-3-clause: (GPL-2.0-or-later OR MIT) AND BSD-3-Clause
        GPL-2+ or Expat, and ISC or zlib: (GPL-2.0-or-later OR MIT) AND (ISC OR Zlib)
        Perl and Expat: (Artistic-1.0-Perl OR GPL-1.0-or-later) AND MIT
        MIT AND ISC: MIT AND ISC
        ");
    }

    #[test]
    fn what_is_not_clear_stays_as_it_is() {
        for text in [
            "BSD",
            "GPL",
            "LGPL",
            "Artistic",
            "GPL-1+ or Artistic",
            "public-domain",
            "GPL-9+",
            "GPL-2++",
            "GPL-2+ with",
            "GPL-2+ with other exception",
            "GPL-2+ or",
            "and Expat",
            "GPL-2+ or Expat, and ISC, or zlib",
            "GPL-",
            "GPL-2.",
            "BSD-3-Clause-alike",
            "GPL-2/Expat",
        ] {
            let licence = licence(text).unwrap();
            assert_eq!((licence.as_str(), licence.is_spdx()), (text, false));
        }
        assert_eq!(licence(" "), None);
        let text = licence(&"Expat or ".repeat(100)).unwrap();
        assert_eq!((text.as_str().len() <= 200, text.is_spdx()), (true, false));
    }
}
