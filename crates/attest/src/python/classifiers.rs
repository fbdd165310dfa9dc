//! Licences of Python packages, as classifiers call them. Knows which of these names are clear: a `BSD License` or an
//! `Apache Software License` could be several.

use std::collections::BTreeSet;

use crate::Licence;

/// The last part of a classifier, and SPDX's identifier.
const CLASSIFIERS: [(&str, &str); 32] = [
    ("Blue Oak Model License (BlueOak-1.0.0)", "BlueOak-1.0.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
    ("CeCILL-B Free Software License Agreement (CECILL-B)", "CECILL-B"),
    ("Eclipse Public License 1.0 (EPL-1.0)", "EPL-1.0"),
    ("Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"),
    ("European Union Public Licence 1.1 (EUPL 1.1)", "EUPL-1.1"),
    ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v2 (LGPLv2)", "LGPL-2.0-only"),
    ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Mulan Permissive Software License v2 (MulanPSL-2.0)", "MulanPSL-2.0"),
    ("Open Software License 3.0 (OSL-3.0)", "OSL-3.0"),
    ("PostgreSQL License", "PostgreSQL"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("SIL Open Font License 1.1 (OFL-1.1)", "OFL-1.1"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Universal Permissive License (UPL)", "UPL-1.0"),
    ("Zero-Clause BSD (0BSD)", "0BSD"),
    ("zlib/libpng License", "Zlib"),
];

/// The licences among classifiers (`License :: OSI Approved :: MIT License`), sorted, each once. What is not clear is given
/// by its name; what only says that there is a licence is passed over.
pub(super) fn licences<'a>(classifiers: impl Iterator<Item = &'a str>) -> Vec<Licence> {
    let names = classifiers.filter_map(|classifier| classifier.strip_prefix("License :: "));
    let names = names.map(|name| name.strip_prefix("OSI Approved :: ").unwrap_or(name).trim());
    let names = names.filter(|name| *name != "OSI Approved");
    let licences: BTreeSet<Licence> =
        names.filter_map(|name| listed(name).or_else(|| Licence::written(name))).collect();
    licences.into_iter().collect()
}

fn listed(name: &str) -> Option<Licence> {
    CLASSIFIERS.iter().find(|(known, _)| *known == name).and_then(|(_, id)| Licence::spdx(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spdx_has_what_is_mapped_to() {
        for (name, id) in CLASSIFIERS {
            assert!(Licence::spdx(id).is_some(), "{name}");
        }
    }
}
