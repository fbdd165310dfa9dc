//! What runs at the same time, what is begun after a failure, and who builds what two runs want.

use crate::gate::{Live, at_gate, gate, open, stage, together};
use crate::world::World;

fn three() -> World {
    let stages =
        [stage("a", "echo a > \"$out/a\""), stage("b", "echo b > \"$out/b\""), stage("c", "echo c > \"$out/c\"")];
    World::new(&format!("{}{}", stages.concat(), together(&["a", "b", "c"])))
}

#[test]
fn as_many_stages_run_as_there_are_slots() {
    let world = three();
    let mut run = Live::start(&world, &["all", "-j2"]);
    at_gate(&world, "a");
    at_gate(&world, "b");
    open(&world, "b");
    run.wait_for("stage-finished", "b");
    // Only now is there room for the third.
    at_gate(&world, "c");
    open(&world, "c");
    open(&world, "a");
    let ran = run.end(&world).ok();
    assert_eq!(ran.stages(), "a built, b built, c built, last built");
    let order = |reason: &str, stage: &str| {
        ran.events().iter().position(|e| e["reason"] == reason && e["stage"] == stage).unwrap()
    };
    assert!(order("stage-started", "c") > order("stage-finished", "b"));
}

#[test]
fn a_heavy_stage_runs_alone() {
    let world = three();
    world.edit("akbuild.toml", "[stages.a]\n", "[stages.a]\nweight = 2\n");
    let mut run = Live::start(&world, &["all", "-j2"]);
    at_gate(&world, "a");
    open(&world, "a");
    run.wait_for("stage-finished", "a");
    at_gate(&world, "b");
    at_gate(&world, "c");
    open(&world, "b");
    open(&world, "c");
    let ran = run.end(&world).ok();
    let reasons: Vec<String> = ran.events().iter().map(|e| format!("{} {}", e["reason"], e["stage"])).collect();
    let at = |what: &str| reasons.iter().position(|r| r == what).unwrap();
    assert!(at("\"stage-finished\" \"a\"") < at("\"stage-started\" \"b\""), "{reasons:#?}");
}

fn failing() -> World {
    let stages = [stage("a", "exit 1"), stage("b", "echo b > \"$out/b\""), stage("c", "echo c > \"$out/c\"")];
    World::new(&format!("{}{}", stages.concat(), together(&["a", "b", "c"])))
}

#[test]
fn a_failure_begins_nothing_and_lets_running_stages_end() {
    let world = failing();
    let mut run = Live::start(&world, &["all", "-j2"]);
    at_gate(&world, "b");
    open(&world, "a");
    assert_eq!(run.wait_for("stage-finished", "a")["status"], "failed");
    assert!(gate(&world, "b").is_some());
    open(&world, "b");
    let ran = run.end(&world).failed();
    assert_eq!(ran.stages(), "a failed, b built, c skipped, last skipped");
    assert!(!ran.events().iter().any(|e| e["reason"] == "stage-started" && e["stage"] == "c"));
}

#[test]
fn keep_going_builds_what_does_not_need_the_failed_stage() {
    let world = failing();
    let mut run = Live::start(&world, &["all", "-j1", "--keep-going"]);
    open(&world, "a");
    assert_eq!(run.wait_for("stage-finished", "a")["status"], "failed");
    open(&world, "b");
    open(&world, "c");
    assert_eq!(run.end(&world).failed().stages(), "a failed, b built, c built, last skipped");
}

#[test]
fn two_runs_on_one_home_build_each_stage_once() {
    let world = three();
    let mut first = Live::start(&world, &["all", "-j1"]);
    at_gate(&world, "a");
    let mut second = Live::start(&world, &["all", "-j1"]);
    let event = second.wait_for("waiting", "a");
    // Long enough for the store to look again: it must not be said each time.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(event["holder"], format!("process {}", first.pid()));
    open(&world, "a");
    first.wait_for("stage-finished", "a");
    second.wait_for("stage-finished", "a");
    // Whoever comes first builds; the other one waits for it.
    for name in ["b", "c"] {
        open(&world, name);
        first.wait_for("stage-finished", name);
        second.wait_for("stage-finished", name);
    }
    let (first, second) = (first.end(&world).ok(), second.end(&world).ok());
    let built = |text: &str| text.matches(" built").count();
    assert_eq!(built(&first.stages()) + built(&second.stages()), 4, "{}; {}", first.stages(), second.stages());
    assert!(second.stages().starts_with("a cached"));
    let waits = second.events().iter().filter(|e| e["reason"] == "waiting" && e["stage"] == "a").count();
    assert_eq!(waits, 1, "it is said once");
}

#[test]
fn equal_stages_are_built_once() {
    let pieces = "pieces = [{ from = \"a\", to = \"a\" }, { from = \"b\", to = \"b\" }]";
    let last = format!("[stages.last]\nkind = \"tree\"\n{pieces}\n");
    let script = "echo same > \"$out/same\"";
    let world = World::new(&format!("{}{}{last}", stage("a", script), stage("b", script)));
    let mut run = Live::start(&world, &["all", "-j2"]);
    // Both start at once: which of them is first is not said.
    let waits = run.wait_for_any("waiting", &["a", "b"]);
    assert_eq!(waits["holder"], format!("process {}", run.pid()));
    let (runs, expected) = match waits["stage"] == "b" {
        true => ("a", "a built, b cached, last built"),
        false => ("b", "a cached, b built, last built"),
    };
    open(&world, runs);
    assert_eq!(run.end(&world).ok().stages(), expected);
    assert_eq!(world.result("b/same"), "same\n");
}
