//! What people write, and the lock that akbuild writes.

use std::path::Path;

use akbuild_recipe::{Local, Lock, Overlay, RecipeErrors, lock_inputs, read, read_overlay, resolve};
use akbuild_stages::StageKinds;

use super::texts;

/// Recipe, overlay and lock, cut at NUL: read and resolved. Every complaint can be shown.
pub fn recipe(data: &[u8]) {
    let [recipe, overlay, lock] = texts(data);
    if let Err(errors) = plan(&recipe, &overlay, &lock) {
        assert!(!errors.0.is_empty(), "an error that says nothing");
        assert!(errors.to_string().starts_with("error: "));
        assert!(!errors.render(&|_, text| format!("<{text}>")).is_empty());
    }
}

fn plan(recipe: &str, overlay: &str, lock: &str) -> Result<(), RecipeErrors> {
    let written = read(recipe, "akbuild.toml")?;
    let overlay = match overlay {
        "" => Overlay::default(),
        text => read_overlay(text, "akbuild.local.toml")?,
    };
    lock_inputs(&written, &overlay)?;
    let lock = if lock.is_empty() { Lock::default() } else { Lock::parse(lock, "akbuild.lock")? };
    for local in [Local::default(), Local { host: true, ..Local::default() }] {
        resolve(&written, &overlay, &lock, &local, &StageKinds, Path::new("/nonexistent/project"))?;
    }
    Ok(())
}

/// A lock that can be read is the same when it was written and is read again.
pub fn lock(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Lock::parse(&text, "akbuild.lock") {
        Ok(lock) => unchanged(lock),
        Err(errors) => assert!(errors.to_string().starts_with("error: ")),
    }
}

/// What is written can be read, and is what it was but for the order of its lists.
pub(crate) fn unchanged(mut lock: Lock) {
    let text = lock.render();
    let again = Lock::parse(&text, "akbuild.lock").unwrap_or_else(|e| panic!("{e}\n\n{text}"));
    lock.python.sort();
    lock.debs.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    lock.debs.iter_mut().for_each(|deb| deb.sysroots.sort());
    assert_eq!(lock, again);
    assert_eq!(text, again.render());
}
