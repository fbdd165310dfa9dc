//! No text makes the readers panic, and every complaint can be shown.

mod common;

use akbuild_recipe::{Lock, read, read_overlay};
use common::{GOOD, LOCK, SMOKE, plan, with_images};
use proptest::prelude::*;

fn all(text: &str) {
    let said = [
        read(text, "akbuild.toml").err(),
        read_overlay(text, "akbuild.local.toml").err(),
        Lock::parse(text, "akbuild.lock").err(),
        plan(text, "", LOCK).err(),
        with_images(text).err(),
    ];
    for errors in said.into_iter().flatten() {
        assert!(!errors.0.is_empty());
        assert!(errors.to_string().starts_with("error: "));
        assert!(!errors.render(&|_, text| format!("<{text}>")).is_empty());
    }
}

/// Puts `piece` in the place of `length` characters at `at`, both in thousandths of the text.
fn splice(text: &str, at: usize, length: usize, piece: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = chars.len() * at / 1000;
    let rest = chars.len().min(at + length);
    chars[..at].iter().collect::<String>() + piece + &chars[rest..].iter().collect::<String>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_characters(text in "\\PC{0,80}") {
        all(&text);
    }

    #[test]
    fn anything_like_toml(text in "([a-c]{1,2}|[\\[\\]{}=.,\"'\n#]|1|true| ){0,40}") {
        all(&text);
    }

    #[test]
    fn a_recipe_with_a_piece_replaced(at in 0usize..1000, length in 0usize..40, piece in "([\\[\\]{}=.\"'\n]|é|x|\\PC){0,6}") {
        all(&splice(GOOD, at, length, &piece));
    }

    #[test]
    fn an_image_with_a_piece_replaced(at in 0usize..1000, length in 0usize..40, piece in "([\\[\\]{}=.\"'\n]|é|x|\\PC){0,6}") {
        all(&splice(SMOKE, at, length, &piece));
    }

    #[test]
    fn a_lock_with_a_piece_replaced(at in 0usize..1000, length in 0usize..40, piece in "([\\[\\]{}=.\"'\n]|é|x|\\PC){0,6}") {
        all(&splice(LOCK, at, length, &piece));
    }
}

#[test]
fn deep_nesting_is_refused() {
    all(&format!("a = {}", "[".repeat(100_000)));
    all(&format!("a = {}", "{a=".repeat(100_000)));
    all(&format!("[{}a]", "a.".repeat(100_000)));
    all(&format!("{}a = 1", "a.".repeat(100_000)));
}
