//! The sentences of the common licences, in lower case and without punctuation. Knows what must stand there; between two
//! of them may stand so many other words: the number of a clause, who disclaims, a whole part that is not looked at.

use std::sync::LazyLock;

/// The text of a licence, or a part of it that stands for it.
pub(super) struct Known {
    pub(super) id: &'static str,
    pub(super) parts: Vec<Part>,
}

/// A sentence.
pub(super) struct Part {
    /// At most so many words stand between it and what is before.
    pub(super) gap: usize,
    pub(super) words: Vec<&'static str>,
}

/// All that are known.
pub(super) fn all() -> &'static [Known] {
    static ALL: LazyLock<Vec<Known>> = LazyLock::new(|| TEXTS.iter().map(|(id, parts)| known(id, parts)).collect());
    &ALL
}

fn known(id: &'static str, parts: &[(usize, &'static str)]) -> Known {
    let parts = parts.iter().map(|(gap, text)| Part { gap: *gap, words: text.split(' ').collect() });
    Known { id, parts: parts.collect() }
}

/// What changes a licence if it stands beside its text. Those of the Commons Clause and of the licences that are made of
/// MIT's or BSD's by a sentence more.
pub(super) const OTHER: [&str; 15] = [
    "advertising",
    "branding",
    "conclusions",
    "conditioned",
    "enhancements",
    "evil",
    "exception",
    "exceptions",
    "export",
    "governed",
    "notwithstanding",
    "nuclear",
    "patent",
    "patents",
    "sell",
];

const TEXTS: [(&str, &[(usize, &str)]); 8] = [
    (
        "Apache-2.0",
        &[
            (0, "apache license version 2 0 january 2004"),
            (5, "terms and conditions for use reproduction and distribution 1 definitions"),
            (1400, "of your accepting any such warranty or additional liability"),
        ],
    ),
    (
        "Apache-2.0",
        &[
            (0, "appendix how to apply the apache license to your work"),
            (90, "for easier identification within third party archives"),
        ],
    ),
    (
        "Apache-2.0",
        &[
            (
                0,
                "licensed under the apache license version 2 0 the license you may not use this file except in compliance with the license",
            ),
            (
                20,
                "unless required by applicable law or agreed to in writing software distributed under the license is distributed on an as is basis without warranties or conditions of any kind either express or implied see the license for the specific language governing permissions and limitations under the license",
            ),
        ],
    ),
    (
        "BSD-2-Clause",
        &[
            (0, BSD),
            (1, BSD_SOURCE),
            (2, BSD_BINARY),
            (0, "this software is provided by"),
            (15, BSD_WARRANTY),
            (15, BSD_LIABILITY),
        ],
    ),
    (
        "BSD-3-Clause",
        &[
            (0, BSD),
            (1, BSD_SOURCE),
            (2, BSD_BINARY),
            (
                30,
                "be used to endorse or promote products derived from this software without specific prior written permission",
            ),
            (0, "this software is provided by"),
            (15, BSD_WARRANTY),
            (15, BSD_LIABILITY),
        ],
    ),
    (
        "ISC",
        &[
            (0, "permission to use copy modify and"),
            (
                1,
                "distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies",
            ),
            (0, "the software is provided as is and"),
            (
                8,
                "all warranties with regard to this software including all implied warranties of merchantability and fitness in no event shall",
            ),
            (
                8,
                "be liable for any special direct indirect or consequential damages or any damages whatsoever resulting from loss of use data or profits whether in an action of contract negligence or other tortious action arising out of or in connection with the use or performance of this software",
            ),
        ],
    ),
    (
        "MIT",
        &[
            (
                0,
                "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files the software to deal in the software without restriction including without limitation the rights to use copy modify merge publish distribute sublicense and or sell copies of the software and to permit persons to whom the software is furnished to do so subject to the following conditions",
            ),
            (0, "the above copyright notice and this permission notice"),
            (5, "shall be included in all copies or substantial portions of the software"),
            (
                0,
                "the software is provided as is without warranty of any kind express or implied including but not limited to the warranties of merchantability fitness for a particular purpose and noninfringement in no event shall",
            ),
            (
                8,
                "be liable for any claim damages or other liability whether in an action of contract tort or otherwise arising from out of or in connection with the software or the use or other dealings in the software",
            ),
        ],
    ),
    (
        "MPL-2.0",
        &[
            (0, "mozilla public license version 2 0 1 definitions"),
            (
                2400,
                "you may add additional accurate notices of copyright ownership exhibit b incompatible with secondary licenses notice this source code form is incompatible with secondary licenses as defined by the mozilla public license v 2 0",
            ),
        ],
    ),
];

const BSD: &str = "redistribution and use in source and binary forms with or without modification are permitted provided that the following conditions are met";
const BSD_SOURCE: &str = "redistributions of source code must retain the above copyright notice this list of conditions and the following disclaimer";
const BSD_BINARY: &str = "redistributions in binary form must reproduce the above copyright notice this list of conditions and the following disclaimer in the documentation and or other materials provided with the distribution";
const BSD_WARRANTY: &str = "as is and any express or implied warranties including but not limited to the implied warranties of merchantability and fitness for a particular purpose are disclaimed in no event shall";
const BSD_LIABILITY: &str = "be liable for any direct indirect incidental special exemplary or consequential damages including but not limited to procurement of substitute goods or services loss of use data or profits or business interruption however caused and on any theory of liability whether in contract strict liability or tort including negligence or otherwise arising in any way out of the use of this software even if advised of the possibility of such damage";
