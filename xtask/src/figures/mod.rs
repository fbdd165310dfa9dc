//! `cargo xtask figures`: numbers about the structure of the workspace, computed from its sources, to see whether a
//! change makes it better. Prints; fails only if something cannot be read. Whether a number is good, it does not say.

pub(crate) mod change_files;
mod crate_order;
mod crate_source;
mod cycles;
mod function_lengths;
mod impl_blocks;
mod method_index;
mod module_graph;
mod module_names;
pub(crate) mod phrases;
pub(crate) mod type_names;

use std::collections::BTreeMap;

use crate::repo::{self, Outcome};
use crate_source::{CrateSource, read_module};
use module_graph::ModuleGraph;
use phrases::Phrase;
use type_names::TypeNames;

/// How many cycles of a crate are listed with their modules.
const LISTED_CYCLES: usize = 2;

pub(crate) fn run() -> Outcome {
    let document = std::fs::read_to_string(repo::root().join(change_files::DOCUMENT)).unwrap_or_default();
    let crates = read_crates()?;
    print_sizes(&crates);
    print_upward(&document)?;
    print_cycles(&crates);
    print_impl_blocks(&crates);
    print_type_names(&crates);
    print_phrases()?;
    print_changes(&document);
    Ok(())
}

/// The crates of `crates/` by their folders, each with its library, its program and what lies in `src/bin`.
fn read_crates() -> Outcome<BTreeMap<String, CrateSource>> {
    let read = |name: &str| std::fs::read_to_string(repo::root().join(name)).ok();
    let mut crates: BTreeMap<String, CrateSource> = BTreeMap::new();
    for file in repo::files()? {
        let mut parts = file.splitn(4, '/');
        let (Some("crates"), Some(name), Some("src"), Some(inside)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let path: &[String] = match inside {
            "lib.rs" | "main.rs" => &[],
            _ if inside.starts_with("bin/") => &[inside.to_owned()],
            _ => continue,
        };
        read_module(crates.entry(name.to_owned()).or_default(), path, &file, &read)?;
    }
    Ok(crates)
}

fn print_sizes(crates: &BTreeMap<String, CrateSource>) {
    println!("Sizes, without tests (functions from `fn` to the closing brace)");
    println!(
        "  {:12} {:>5} {:>6} {:>9} {:>6}  longest function; longest file",
        "crate", "files", "lines", "functions", "median"
    );
    for (name, source) in crates {
        let functions = function_lengths::function_lengths(source);
        let lines: usize = source.values().map(|module| module.lines).sum();
        let median = functions.get(functions.len() / 2).map_or(0, |function| function.lines);
        let longest = functions
            .last()
            .map_or(String::new(), |function| format!("{} {}", function.lines, inside(&function.place)));
        let file = source.values().max_by_key(|module| module.lines);
        let file = file.map_or(String::new(), |module| format!("{} {}", module.lines, inside(&module.file)));
        println!("  {name:12} {:>5} {lines:>6} {:>9} {median:>6}  {longest}; {file}", source.len(), functions.len());
    }
}

fn print_upward(document: &str) -> Outcome {
    let dependencies = crate_order::dependencies()?;
    let inside: Vec<_> = dependencies.into_iter().filter(|(from, _)| from != "xtask").collect();
    let upward = crate_order::upward(&crate_order::crate_order(document), &inside);
    println!("\nDependencies that point upwards in the map of the code: {}", upward.len());
    for (from, to) in upward {
        println!("  {from} -> {to}");
    }
    Ok(())
}

fn print_cycles(crates: &BTreeMap<String, CrateSource>) {
    println!("\nModule cycles (strongly connected modules; the {LISTED_CYCLES} largest of each crate are listed)");
    for (name, source) in crates {
        let (by_imports, by_calls) = module_graph::module_graphs(source);
        for (how, graph) in [("imports", by_imports), ("imports and method calls", by_calls)] {
            print_cycles_of(name, how, &graph);
        }
    }
}

fn print_cycles_of(name: &str, how: &str, graph: &ModuleGraph) {
    let cycles = cycles::cycles(graph);
    let largest = cycles.first().map_or(0, Vec::len);
    println!("  {name}, by {how}: the largest has {largest} of {} modules; cycles: {}", graph.len(), cycles.len());
    for cycle in cycles.iter().take(LISTED_CYCLES) {
        println!("    {}: {}", cycle.len(), cycle.join(", "));
    }
}

fn print_impl_blocks(crates: &BTreeMap<String, CrateSource>) {
    println!("\nTypes with more than 3 `impl` blocks (without implementations of traits), and the context of a run");
    for (name, source) in crates {
        for blocks in impl_blocks::impl_blocks(source) {
            println!("  {name} {}: {} blocks in {} files", blocks.type_name, blocks.count(), blocks.files.len());
            for (file, count) in &blocks.files {
                println!("    {count} {}", inside(file));
            }
        }
    }
}

fn print_type_names(crates: &BTreeMap<String, CrateSource>) {
    let mut all = TypeNames::new();
    println!("\nNames of types (structs, enums, unions, traits, aliases)");
    for (name, source) in crates {
        let mut names = TypeNames::new();
        type_names::collect(source, &mut names);
        print_one_word(name, type_names::one_word(&names));
        type_names::collect(source, &mut all);
    }
    print_one_word("all", type_names::one_word(&all));
    let repeated: Vec<_> = type_names::repeated(&all).collect();
    println!("  defined more than once: {}", repeated.len());
    for (name, files) in repeated {
        println!("    {name}: {}", files.join(", "));
    }
}

fn print_one_word(name: &str, (one, all): (usize, usize)) {
    println!("  {name:12} {one:>4} of {all:>4} have one word: {} %", (100 * one).checked_div(all).unwrap_or(0));
}

/// The phrases in a file, if it is one that people read.
pub(crate) fn phrases_in(file: &str, text: &str) -> Vec<(usize, Phrase)> {
    match file.rsplit_once('.') {
        Some((_, "rs")) => phrases::in_rust(text),
        Some((_, "md")) => phrases::in_document(text),
        _ => Vec::new(),
    }
}

fn print_phrases() -> Outcome {
    println!("\nPhrases that docs/style.md rules out");
    let mut counts: BTreeMap<Phrase, usize> = BTreeMap::new();
    let mut files: BTreeMap<String, usize> = BTreeMap::new();
    for file in repo::files()? {
        let Ok(text) = std::fs::read_to_string(repo::root().join(&file)) else { continue };
        for (_, phrase) in phrases_in(&file, &text) {
            *counts.entry(phrase).or_default() += 1;
            let mut parts = file.splitn(3, '/');
            let place = match (parts.next(), parts.next()) {
                (Some("crates"), Some(name)) => name,
                (Some(first), Some(_)) => first,
                _ => "documents",
            };
            *files.entry(place.to_owned()).or_default() += 1;
        }
    }
    for phrase in Phrase::ALL {
        println!("  {:>4} {}", counts.get(&phrase).unwrap_or(&0), phrase.as_str());
    }
    let files: Vec<String> = files.iter().map(|(place, count)| format!("{place} {count}")).collect();
    println!("  by place: {}", files.join(", "));
    Ok(())
}

fn print_changes(document: &str) {
    println!("\nFiles per change (\"Where a change goes\" in {})", change_files::DOCUMENT);
    for (change, files) in change_files::change_files(document) {
        let crates: std::collections::BTreeSet<_> =
            files.iter().filter_map(|file| file.strip_prefix("crates/")?.split('/').next()).collect();
        println!("  {change}: {} files, in {} crates", files.len(), crates.len());
    }
    for line in change_files::check(document, |name| repo::root().join(name).exists()) {
        println!("  {line}");
    }
}

/// A path without `crates/NAME/src/`.
fn inside(file: &str) -> &str {
    file.split_once("/src/").map_or(file, |(_, inside)| inside)
}
