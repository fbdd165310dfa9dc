//! Licences by their texts, through a vendor folder.

use akbuild_attest::go::vendored;

const APACHE: &str = include_str!("../texts/apache-2.0.txt");
const BSD_2: &str = include_str!("../texts/bsd-2-clause.txt");
const BSD_3: &str = include_str!("../texts/bsd-3-clause.txt");
const ISC: &str = include_str!("../texts/isc.txt");
const MIT: &str = include_str!("../texts/mit.txt");
const MPL: &str = include_str!("../texts/mpl-2.0.txt");

fn found(text: &str) -> String {
    let vendor = tempfile::tempdir().unwrap();
    std::fs::create_dir(vendor.path().join("example.org")).unwrap();
    std::fs::write(vendor.path().join("example.org/LICENSE"), text).unwrap();
    let vendor = akbuild_tree::TreeDir::open(vendor.path(), "the vendor folder").unwrap();
    let licences = vendored(&vendor, &"example.org".parse().unwrap()).unwrap();
    licences.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(" + ")
}

#[test]
fn common_texts_are_known() {
    let texts = [APACHE, BSD_2, BSD_3, ISC, MIT, MPL];
    assert_eq!(texts.map(found), ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"]);
}

#[test]
fn how_a_text_is_set_does_not_matter() {
    let comment = MIT.replace('\n', "\r\n// \t").replace(' ', "  ").to_uppercase();
    assert_eq!(found(&comment), "MIT");
    assert_eq!(
        found(
            &ISC.replace("and/or distribute", "and distribute").replace("THE AUTHOR DISCLAIMS", "SOMEBODY DISCLAIMS")
        ),
        "ISC"
    );
    assert_eq!(found(&BSD_3.replace("COPYRIGHT HOLDERS AND CONTRIBUTORS", "REGENTS")), "BSD-3-Clause");
    assert_eq!(found(&BSD_2.replace("1. ", "* ").replace("2. ", "(b) ")), "BSD-2-Clause");
}

#[test]
fn several_texts_in_one_file() {
    assert_eq!(found(&format!("{MIT}\n{APACHE}")), "Apache-2.0 + MIT");
    let notice = &APACHE[APACHE.find("Licensed under the Apache License").unwrap()..];
    assert!(notice.len() < 700);
    assert_eq!(found(&format!("{MIT}\n{notice}")), "Apache-2.0 + MIT");
}

#[test]
fn copyright_lines_and_titles_may_stand_beside() {
    let lines = "Copyright (c) 2026 Somebody <somebody@mail.example>\n".repeat(10);
    assert_eq!(found(&format!("The MIT License (MIT)\n\n{lines}\n{MIT}")), "MIT");
    assert_eq!(found(&format!("{}\n{MIT}", lines.repeat(10))), "");
    // What is far behind would not be seen.
    assert_eq!(found(&format!("{MIT}{}", " ".repeat(1 << 18))), "");
}

/// What other licences make of these texts.
#[test]
fn what_says_more_or_less_is_not_known() {
    let clause = "4. Redistributions in any form must be accompanied by information on how to obtain complete source code.\n\nTHIS SOFTWARE IS";
    let endorse = "3. Neither the name of somebody may be used to endorse or promote products derived from this software.\n\nTHIS SOFTWARE IS";
    for text in [
        String::new(),
        "MIT".to_owned(),
        MIT[..MIT.len() - 20].to_owned(),
        APACHE[..APACHE.len() / 2].to_owned(),
        MPL[..MPL.len() - 20].to_owned(),
        format!("{MIT}\nThe Software shall be used for Good, not Evil."),
        format!(
            "\"Commons Clause\" License Condition v1.0\n\nThe grant of rights does not include the right to Sell the Software.\n{MIT}"
        ),
        format!("{MIT}\nExcept as contained in this notice, the name of somebody shall not be used in advertising."),
        format!("{BSD_3}\nYou acknowledge that this software is not designed for use in any nuclear facility."),
        BSD_2.replace("THIS SOFTWARE IS", clause),
        BSD_2.replace("THIS SOFTWARE IS", endorse),
        BSD_2.replace("Redistributions in binary form", "Redistributions in other forms"),
        MIT.replace("The above copyright notice and this permission notice", "A notice"),
        format!("{APACHE}\n--- LLVM Exceptions to the Apache 2.0 License ----"),
        format!("{}\n{APACHE}", "Use it only as long as you do not compete with us. ".repeat(20)),
    ] {
        assert_eq!(found(&text), "", "{text}");
    }
}
