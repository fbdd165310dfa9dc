//! The names of the types of the workspace: how many have one word, and which are defined more than once. Counts structs,
//! enums, unions, traits and type aliases, private ones too; leaves out tests and types inside functions.

use std::collections::BTreeMap;

use syn::Item;

use super::crate_source::CrateSource;

/// Each type name, with the files that define it.
pub(crate) type TypeNames = BTreeMap<String, Vec<String>>;

/// Adds the types of a crate.
pub(crate) fn collect(source: &CrateSource, names: &mut TypeNames) {
    for module in source.values() {
        collect_items(&module.syntax.items, &module.file, names);
    }
}

/// How many of the definitions have a name of one word, and how many there are.
pub(crate) fn one_word(names: &TypeNames) -> (usize, usize) {
    let definitions = |(_, files): (&String, &Vec<String>)| files.len();
    let one = names.iter().filter(|(name, _)| words(name) == 1).map(definitions).sum();
    (one, names.iter().map(definitions).sum())
}

/// The names that are defined more than once.
pub(crate) fn repeated(names: &TypeNames) -> impl Iterator<Item = (&String, &Vec<String>)> {
    names.iter().filter(|(_, files)| files.len() > 1)
}

fn collect_items(items: &[Item], file: &str, names: &mut TypeNames) {
    for item in items {
        let ident = match item {
            Item::Struct(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Union(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Mod(module) => {
                let inner = module.content.as_ref().map_or(&[][..], |(_, items)| items);
                collect_items(inner, file, names);
                continue;
            }
            _ => continue,
        };
        names.entry(ident.to_string()).or_default().push(file.to_owned());
    }
}

/// The words of a name in camel case; an abbreviation in capitals is one word.
fn words(name: &str) -> usize {
    let letters: Vec<char> = name.chars().collect();
    let begins = |at: usize| {
        let after_small = at == 0 || !letters[at - 1].is_uppercase();
        let before_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        letters[at].is_uppercase() && (after_small || before_small)
    };
    (0..letters.len()).filter(|at| begins(*at)).count()
}

#[cfg(test)]
mod tests {
    use super::super::crate_source::crate_of;
    use super::*;

    #[test]
    fn words_begin_with_capitals() {
        let counted = ["Store", "ActionRecord", "OCI", "OciImage", "HTTPClient", "Sha256Digest", "AB"].map(words);
        assert_eq!(counted, [1, 2, 1, 2, 2, 2, 1]);
    }

    #[test]
    fn definitions_are_counted_and_repeated_names_are_found() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\nstruct Entry;\nenum ActionRecord {}\nmod inner { trait Entry {} }\n"),
            ("a/b.rs", "type Entry = u8;\n#[cfg(test)]\nmod tests { struct ActionRecord; }\n"),
        ]);
        let mut names = TypeNames::new();
        collect(&source, &mut names);
        assert_eq!(one_word(&names), (3, 4));
        let repeated: Vec<_> = repeated(&names).map(|(name, files)| (name.as_str(), files.len())).collect();
        assert_eq!(repeated, [("Entry", 3)]);
    }
}
