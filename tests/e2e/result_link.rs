//! `./result`: which commands make it, which move it along, and what is left alone.

use std::os::unix::fs::symlink;

use crate::image::{IMAGE, files};
use crate::world::World;

/// The line that the first target has from `app/a.txt`.
fn first_line(world: &World) -> String {
    world.result("share/loud").lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_link_never_stays_at_an_older_tree() {
    let world = World::new(IMAGE);
    files(&world);
    let finished =
        |args: &[&str]| world.run(&[args, &["--json"]].concat()).ok().events().pop().unwrap()["result"].clone();
    let link = world.path("project/result");
    assert!(finished(&["image"]).is_null());
    assert!(link.symlink_metadata().is_err(), "only `all` makes it");
    assert_eq!(finished(&["all"]), link.display().to_string());
    assert_eq!(first_line(&world), "ONE!");
    world.write("app/a.txt", "three\n");
    assert_eq!(finished(&["image"]), link.display().to_string());
    assert_eq!(first_line(&world), "THREE!");
    world.write("app/a.txt", "four\n");
    assert_eq!(finished(&["build", "last"]), link.display().to_string());
    assert_eq!(first_line(&world), "FOUR!");
    // Also if all of it is in the store already.
    world.write("app/a.txt", "one\n");
    finished(&["image"]);
    assert_eq!(first_line(&world), "ONE!");
    // What does not make the target says nothing about it.
    world.write("app/a.txt", "five\n");
    assert!(finished(&["build", "words"]).is_null());
    assert_eq!(first_line(&world), "ONE!");
}

#[test]
fn a_link_or_a_file_of_somebody_else_stays() {
    let world = World::new(IMAGE);
    files(&world);
    let link = world.path("project/result");
    symlink("/elsewhere", &link).unwrap();
    let _ = world.run(&["image"]).ok();
    let _ = world.run(&["build", "last"]).ok();
    assert_eq!(std::fs::read_link(&link).unwrap().to_str(), Some("/elsewhere"));
    std::fs::remove_file(&link).unwrap();
    world.write("result", "mine");
    let _ = world.run(&["image"]).ok();
    let _ = world.run(&["build", "last"]).ok();
    assert_eq!(world.read("result"), "mine");
}
