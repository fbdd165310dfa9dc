//! Licences by their texts. Knows how to find the sentences of a licence in a text, and when there is more than that;
//! which sentences they are is in `sentences.rs`. What is not known is not guessed.

mod sentences;

use std::collections::BTreeSet;

use crate::Licence;
use sentences::{Known, OTHER, all};

/// So many words may stand beside the licences that are known: titles, copyright lines, which files they are about.
const BESIDE: usize = 150;

/// A longer text is not read: what is behind it would not be seen.
pub(crate) const LONGEST: usize = 256 << 10;

/// The licences whose texts stand in a file, sorted. None if there is more in it: a text that is not known, or a word
/// that changes one that is.
pub(crate) fn recognise(text: &[u8]) -> Vec<Licence> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let text = text.to_ascii_lowercase();
    let words: Vec<&[u8]> = text.split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut licences = BTreeSet::new();
    let mut beside = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match all().iter().find_map(|known| Some((known, end(known, &words, at)?))) {
            Some((known, end)) => {
                licences.extend(Licence::spdx(known.id));
                at = end;
            }
            None => {
                beside.push(words[at]);
                at += 1;
            }
        }
    }
    let changed = beside.iter().any(|word| OTHER.iter().any(|other| other.as_bytes() == *word));
    if changed || beside.len() > BESIDE { Vec::new() } else { licences.into_iter().collect() }
}

/// Where the text of a licence ends that begins at a word.
fn end(known: &Known, words: &[&[u8]], start: usize) -> Option<usize> {
    known.parts.iter().try_fold(start, |at, part| {
        let mut starts = at..=at.saturating_add(part.gap).min(words.len());
        starts.find(|at| begins(&words[*at..], &part.words)).map(|at| at + part.words.len())
    })
}

fn begins(words: &[&[u8]], with: &[&str]) -> bool {
    words.len() >= with.len() && words.iter().zip(with).all(|(word, expected)| *word == expected.as_bytes())
}
