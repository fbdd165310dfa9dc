//! Trees as bytes and as text.

use akbuild_nar::{Listing, dump, restore};

use super::fence::Fence;

/// A NAR that can be unpacked is the one that its tree gives, and nothing is written beside the tree; a listing that
/// can be read says the same when it was written again.
pub fn nar(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        listing(text);
    }
    let fence = Fence::new(b"");
    let restored = restore(&mut &data[..], &fence.tree());
    fence.check(b"");
    match restored {
        Ok(_) => {
            let mut again = Vec::new();
            dump(&fence.tree(), &mut again).expect("what was unpacked can be packed");
            assert!(again == data, "the tree gives another NAR");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn listing(text: &str) {
    match Listing::from_text(text) {
        Ok(listing) => {
            let again = Listing::from_text(&listing.to_text());
            assert_eq!(again.as_ref(), Ok(&listing));
            assert!(listing.entries.iter().all(|entry| listing.get(&entry.path) == Some(entry)));
        }
        Err(error) => assert!(error.to_string().contains("line")),
    }
}
