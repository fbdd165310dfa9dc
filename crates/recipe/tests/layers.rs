//! The stages that pack an image's layers: which part of its tree goes into which, and what is said if that makes no sense.

mod common;

use std::collections::BTreeMap;

use akbuild_recipe::plan::{Compose, Layer, Piece, Plan, Stage, Step, Subset, TreeRef};
use common::with_images;
use proptest::prelude::*;

/// Two scripts, a tree in a tree in a tree, and an image of the outermost.
const NESTED: &str = r#"
[stages.made]
kind = "make"

[stages.other]
kind = "make"

[stages.inner]
kind = "join"
pieces = [{ from = "made", to = "a" }, { from = "source:app", include = ["*.md"] }]
files = ["inner.txt", "bin/inner"]

[stages.middle]
kind = "join"
pieces = [{ from = "inner", to = "in" }, { from = "other" }]
files = ["middle.txt"]

[stages.outer]
kind = "join"
pieces = [{ from = "middle", to = "deep/down" }, { from = "source:data", path = "x", to = "x" }]
files = ["outer.txt"]

[stages.image]
kind = "ship"
tree = "outer"
"#;

fn piece(piece: &Piece) -> String {
    let from = match &piece.from {
        TreeRef::Source(id) => format!("source:{id}"),
        TreeRef::Stage(id) => format!("stage:{id}"),
    };
    let path = if piece.path.is_empty() { String::new() } else { format!("/{}", piece.path) };
    let subset = [&piece.subset.include, &piece.subset.exclude].map(|globs| globs.join(" ")).join(" ");
    format!(
        "{from}{path} {}-> {}",
        if subset.len() > 1 { format!("({}) ", subset.trim()) } else { String::new() },
        piece.to
    )
}

fn contents(layer: &Layer) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(layer.sysroot.iter().map(|(id, subset)| format!("sysroot:{id} ({})", subset.exclude.join(" "))));
    lines.extend(layer.pieces.iter().map(piece));
    lines.extend(layer.files.iter().map(|file| format!("file {}", file.path)));
    lines.extend(layer.folders.iter().map(|folder| format!("folder {} {:o}", folder.path, folder.mode)));
    lines
}

/// Each layer that has something in it, below its name.
fn layers(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for stage in &plan.stages {
        let Step::Layer(layer) = &stage.step else { continue };
        lines.push(stage.id.to_string());
        lines.extend(contents(layer).into_iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

fn with(layers: &str) -> String {
    format!("{NESTED}layers = [{layers}]\n")
}

fn shown(recipe: &str) -> String {
    layers(&with_images(recipe).unwrap())
}

fn complaint(recipe: &str) -> String {
    with_images(recipe).expect_err("the recipe is sound").to_string()
}

#[test]
fn what_no_layer_names_is_in_the_highest() {
    insta::assert_snapshot!(shown(NESTED), @"
    image/low
      sysroot:runtime (boot)
    image/high
      stage:made -> opt/mini/deep/down/in/a
      source:app (*.md) -> opt/mini/deep/down/in
      stage:other -> opt/mini/deep/down
      source:data/x -> opt/mini/x
      file opt/mini/deep/down/in/inner.txt
      file opt/mini/deep/down/in/bin/inner
      file opt/mini/deep/down/middle.txt
      file opt/mini/outer.txt
      file own
      folder tmp 1777
    ");
}

#[test]
fn trees_in_trees_come_apart() {
    let recipe = with(r#"{ name = "made", from = ["made"] }, { name = "both", from = ["other", "source:app"] }"#);
    insta::assert_snapshot!(shown(&recipe), @"
    image/low
      sysroot:runtime (boot)
    image/made
      stage:made -> opt/mini/deep/down/in/a
    image/both
      source:app (*.md) -> opt/mini/deep/down/in
      stage:other -> opt/mini/deep/down
    image/high
      source:data/x -> opt/mini/x
      file opt/mini/deep/down/in/inner.txt
      file opt/mini/deep/down/in/bin/inner
      file opt/mini/deep/down/middle.txt
      file opt/mini/outer.txt
      file own
      folder tmp 1777
    ");
}

#[test]
fn a_tree_that_a_layer_names_stays_whole() {
    let recipe = with(r#"{ name = "in", from = ["inner"] }, { name = "data", from = ["source:data"] }"#);
    insta::assert_snapshot!(shown(&recipe), @"
    image/low
      sysroot:runtime (boot)
    image/in
      stage:inner -> opt/mini/deep/down/in
    image/data
      source:data/x -> opt/mini/x
    image/high
      stage:other -> opt/mini/deep/down
      file opt/mini/deep/down/middle.txt
      file opt/mini/outer.txt
      file own
      folder tmp 1777
    ");
    insta::assert_snapshot!(shown(&with(r#"{ name = "all", from = ["outer"] }"#)), @"
    image/low
      sysroot:runtime (boot)
    image/all
      stage:outer -> opt/mini
    image/high
      file own
      folder tmp 1777
    ");
}

#[test]
fn a_part_of_a_tree_does_not_come_apart() {
    for part in ["path = \"in\"", "include = [\"in/**\"]", "exclude = [\"in/**\"]"] {
        let recipe = NESTED.replace("from = \"middle\"", &format!("from = \"middle\", {part}"));
        let plan = with_images(&recipe).unwrap();
        let high = plan.stages.iter().find(|stage| stage.id.as_str() == "image/high").unwrap();
        let Step::Layer(high) = &high.step else { panic!("no layer") };
        assert_eq!((high.pieces.len(), high.pieces[0].from.name()), (2, "middle"), "{part}");
        assert_eq!(high.files.iter().map(|file| &*file.path).collect::<Vec<_>>(), ["opt/mini/outer.txt", "own"]);
        let named =
            layers(&with_images(&format!("{recipe}layers = [{{ name = \"mid\", from = [\"middle\"] }}]\n")).unwrap());
        let (mid, high) = named.split_once("image/high").unwrap();
        assert!(mid.contains("stage:middle") && !high.contains("stage:middle"), "{named}");
    }
}

#[test]
fn each_place_that_a_tree_ships_at_is_a_piece_of_its_layer() {
    let twice = with(r#"{ name = "made", from = ["made"] }"#)
        .replace("{ from = \"other\" }", "{ from = \"inner\", to = \"again\" }");
    insta::assert_snapshot!(shown(&twice), @"
    image/low
      sysroot:runtime (boot)
    image/made
      stage:made -> opt/mini/deep/down/in/a
      stage:made -> opt/mini/deep/down/again/a
    image/high
      source:app (*.md) -> opt/mini/deep/down/in
      source:app (*.md) -> opt/mini/deep/down/again
      source:data/x -> opt/mini/x
      file opt/mini/deep/down/in/inner.txt
      file opt/mini/deep/down/in/bin/inner
      file opt/mini/deep/down/again/inner.txt
      file opt/mini/deep/down/again/bin/inner
      file opt/mini/deep/down/middle.txt
      file opt/mini/outer.txt
      file own
      folder tmp 1777
    ");
}

#[test]
fn a_tree_that_a_script_makes_is_one_piece() {
    let recipe = NESTED.replace("tree = \"outer\"", "tree = \"made\"");
    insta::assert_snapshot!(shown(&recipe), @"
    image/low
      sysroot:runtime (boot)
    image/high
      stage:made -> opt/mini
      file own
      folder tmp 1777
    ");
    insta::assert_snapshot!(shown(&format!("{recipe}layers = [{{ name = \"made\", from = [\"made\"] }}]\n")), @"
    image/low
      sysroot:runtime (boot)
    image/made
      stage:made -> opt/mini
    image/high
      file own
      folder tmp 1777
    ");
}

#[test]
fn an_image_may_be_its_tree_and_nothing_above() {
    let recipe = format!("{}at = \"/\"\n", NESTED.replace("tree = \"outer\"", "tree = \"inner\""));
    insta::assert_snapshot!(shown(&recipe), @"
    image/low
      sysroot:runtime (boot)
    image/high
      stage:made -> a
      source:app (*.md) -> 
      file inner.txt
      file bin/inner
      file own
      folder tmp 1777
    ");
}

#[test]
fn stages_of_layers_stand_between_the_tree_and_the_image() {
    let other = "\n[stages.second]\nkind = \"ship\"\ntree = \"middle\"\nweight = 7\nlayers = [{ name = \"made\", from = [\"made\"] }]\n\
        \n[stages.bundle]\nkind = \"join\"\npieces = [{ from = \"image\" }]\n";
    let plan = with_images(&format!("{}{other}", with(r#"{ name = "made", from = ["made"] }"#))).unwrap();
    let line =
        |stage: &Stage| format!("{} {} {} {} {}", stage.id, stage.kind, stage.kind_version, stage.weight, stage.at);
    insta::assert_snapshot!(plan.stages.iter().map(line).collect::<Vec<_>>().join("\n"), @"
    web copy 1 2 akbuild.toml:47
    all join 2 1 akbuild.toml:43
    made make 1 1 akbuild.toml:52
    other make 1 1 akbuild.toml:55
    inner join 2 1 akbuild.toml:58
    middle join 2 1 akbuild.toml:63
    outer join 2 1 akbuild.toml:68
    image/low image-layer 1 1 akbuild.toml:73
    image/made image-layer 1 1 akbuild.toml:73
    image/high image-layer 1 1 akbuild.toml:73
    image ship 3 1 akbuild.toml:73
    second/low image-layer 1 7 akbuild.toml:78
    second/made image-layer 1 7 akbuild.toml:78
    second/high image-layer 1 7 akbuild.toml:78
    second ship 3 7 akbuild.toml:78
    bundle join 2 1 akbuild.toml:84
    ");
    let places: BTreeMap<&str, usize> =
        plan.stages.iter().enumerate().map(|(i, stage)| (stage.id.as_str(), i)).collect();
    for (i, stage) in plan.stages.iter().enumerate() {
        for tree in stage.step.trees().into_iter().filter(|tree| matches!(tree, TreeRef::Stage(_))) {
            assert!(places[tree.name()] < i, "{} stands before {}", stage.id, tree.name());
        }
    }
}

#[test]
fn a_layer_of_what_does_not_ship() {
    insta::assert_snapshot!(complaint(&with(r#"{ name = "made", from = ["made", "source:local"] }"#)), @r#"
    error: layer `made` takes `local`, and no piece of `outer` comes from it
      --> akbuild.toml:76:45
       |
    76 | layers = [{ name = "made", from = ["made", "source:local"] }]
       |                                             ^^^^^^^^^^^^
       = help: name what pieces come from: `app`, `data`, `made`, `other`
    "#);
    insta::assert_snapshot!(complaint(&with("{ name = \"in\", from = [\"inner\"] },\n  { name = \"made\", from = [\"made\"] }")), @r#"
    error: layer `made` takes `made`, and no piece of `outer` comes from it
      --> akbuild.toml:77:29
       |
    77 |   { name = "made", from = ["made"] }]
       |                             ^^^^
       = help: `made` is in `inner`, which is not taken apart, since a layer names it or only a part of it ships: name `inner` instead
    "#);
    let part =
        with(r#"{ name = "made", from = ["made"] }"#).replace("from = \"middle\"", "from = \"middle\", path = \"in\"");
    insta::assert_snapshot!(complaint(&part), @r#"
    error: layer `made` takes `made`, and no piece of `outer` comes from it
      --> akbuild.toml:76:37
       |
    76 | layers = [{ name = "made", from = ["made"] }]
       |                                     ^^^^
       = help: `made` is in `middle`, which is not taken apart, since a layer names it or only a part of it ships: name `middle` instead
    "#);
    insta::assert_snapshot!(complaint(&with(r#"{ name = "self", from = ["image"] }"#)), @r#"
    error: layer `self` takes `image`, and no piece of `outer` comes from it
      --> akbuild.toml:76:37
       |
    76 | layers = [{ name = "self", from = ["image"] }]
       |                                     ^^^^^
       = help: name what pieces come from: `app`, `data`, `made`, `other`
    "#);
}

#[test]
fn an_image_that_is_a_part_of_its_tree() {
    insta::assert_snapshot!(complaint(&NESTED.replace("{ from = \"other\" }", "{ from = \"image\" }")), @"
    error: dependency cycle: middle -> image -> outer -> middle
      --> akbuild.toml:63:9
       |
    63 | [stages.middle]
       |         ^^^^^^ needs `image`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
    insta::assert_snapshot!(complaint(&NESTED.replace("[stages.made]\nkind = \"make\"", "[stages.made]\nkind = \"make\"\nfrom = \"image\"")), @"
    error: dependency cycle: made -> image -> outer -> middle -> inner -> made
      --> akbuild.toml:52:9
       |
    52 | [stages.made]
       |         ^^^^ needs `image`
       = help: each stage reads the output of the next: take one of these inputs away
    ");
}

/// One piece of a tree: of which node, a part of it or all, and where to.
type Random = (usize, bool, u8);

/// Recipes of trees in trees: of each tree its pieces, which come from trees after it or from what is no tree, and of each
/// node the layer that takes it, if any does.
fn nested() -> impl Strategy<Value = (Vec<Vec<Random>>, Vec<Option<usize>>)> {
    let piece = (0_usize..100, any::<bool>(), 0_u8..4);
    let trees = proptest::collection::vec(proptest::collection::vec(piece, 1..4), 1..6);
    (trees, proptest::collection::vec(proptest::option::weighted(0.3, 0_usize..3), 9))
}

/// Nodes are trees, and then two scripts and a source.
fn node(i: usize, trees: usize) -> String {
    match i.checked_sub(trees) {
        None => format!("tree{i}"),
        Some(2) => "source:app".to_owned(),
        Some(script) => format!("script{script}"),
    }
}

fn recipe(trees: &[Vec<Random>], taken: &[Option<usize>]) -> String {
    let mut text = "\n[stages.script0]\nkind = \"make\"\n[stages.script1]\nkind = \"make\"\n".to_owned();
    for (i, pieces) in trees.iter().enumerate() {
        let piece = |(of, part, to): &Random| {
            let from = node(i + 1 + of % (trees.len() + 2 - i), trees.len());
            let part = if *part && to % 2 == 0 {
                ", path = \"p\""
            } else if *part {
                ", include = [\"p\"]"
            } else {
                ""
            };
            let to = ["", "a", "b/c", "d"][usize::from(*to)];
            format!("{{ from = \"{from}\"{part}, to = \"{to}\" }}")
        };
        let pieces: Vec<String> = pieces.iter().map(piece).collect();
        text += &format!("[stages.tree{i}]\nkind = \"join\"\npieces = [{}]\nfiles = [\"f{i}\"]\n", pieces.join(", "));
    }
    let layer = |layer: usize| {
        let of_it = (0..trees.len() + 3).filter(|i| taken[*i] == Some(layer));
        let from: Vec<String> = of_it.map(|i| format!("\"{}\"", node(i, trees.len()))).collect();
        format!("{{ name = \"l{layer}\", from = [{}] }}", from.join(", "))
    };
    let layers = (0..3).filter(|l| taken[..trees.len() + 3].contains(&Some(*l))).map(layer).collect::<Vec<_>>();
    text + &format!("[stages.image]\nkind = \"ship\"\ntree = \"tree0\"\nlayers = [{}]\n", layers.join(", "))
}

/// All that a piece brings once nothing can be taken apart any more.
fn leaves(plan: &Plan, whole: &Piece, to: &str, found: &mut Vec<String>) {
    let join = |a: &str, b: &str| [a, b].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
    let to = join(to, &whole.to);
    let made = plan.stages.iter().find(|stage| whole.from == TreeRef::Stage(stage.id.clone()));
    match made.map(|stage| &stage.step) {
        Some(Step::Compose(Compose { pieces, files, .. }))
            if whole.path.is_empty() && whole.subset == Subset::default() =>
        {
            pieces.iter().for_each(|piece| leaves(plan, piece, &to, found));
            found.extend(files.iter().map(|file| format!("file {}", join(&to, &file.path))));
        }
        _ => found.push(piece(&Piece { to, ..whole.clone() })),
    }
}

proptest! {
    #[test]
    fn every_part_of_a_tree_is_in_one_layer((trees, mut taken) in nested()) {
        // A layer that names what does not ship is another matter: it names nothing then.
        let plan = loop {
            match with_images(&recipe(&trees, &taken)) {
                Ok(plan) => break plan,
                Err(errors) => {
                    let message = errors.0[0].message().to_owned();
                    let idle = message.split('`').nth(3).unwrap_or_default();
                    let known = (0..trees.len() + 3).find(|i| node(*i, trees.len()).trim_start_matches("source:") == idle);
                    prop_assert!(message.contains("and no piece of `tree0` comes from it"), "{errors}");
                    taken[known.unwrap()] = None;
                }
            }
        };
        let Step::Image(image) = &plan.stages.last().unwrap().step else { panic!("no image") };
        let whole = |from: &TreeRef| Piece { from: from.clone(), path: String::new(), subset: Subset::default(), to: String::new() };
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        leaves(&plan, &whole(&image.tree), "opt/mini", &mut expected);
        for layer in &image.layers {
            let stage = plan.stages.iter().find(|stage| layer.tree == TreeRef::Stage(stage.id.clone())).unwrap();
            let Step::Layer(made) = &stage.step else { panic!("no layer") };
            for piece in &made.pieces {
                let named: Vec<_> = image.layers.iter().filter(|layer| layer.from.contains(&piece.from)).collect();
                prop_assert_eq!(named, if layer.name == "high" { vec![] } else { vec![layer] });
                leaves(&plan, piece, "", &mut found);
            }
            found.extend(made.files.iter().filter(|file| file.path != "own").map(|file| format!("file {}", file.path)));
        }
        expected.sort();
        found.sort();
        prop_assert_eq!(expected, found);
    }
}
