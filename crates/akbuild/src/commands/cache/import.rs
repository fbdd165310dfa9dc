//! `akbuild cache import`: what `akbuild cache export` wrote, into this store.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use akbuild_export::{Imported, import};
use serde_json::{Value, json};

use crate::failure::{Outcome, io};
use crate::session::Session;
use crate::ui::{Align, Meter, table};

pub(super) fn run(session: &Session, file: &Path, json: bool) -> Outcome {
    let imported = match file == Path::new("-") {
        true => read(session, std::io::stdin().lock(), 0)?,
        false => {
            let input = io(File::open(file), "open", file)?;
            let bytes = io(input.metadata(), "stat", file)?.len();
            read(session, input, bytes)?
        }
    };
    session.store.sync()?;
    for key in &imported.kept {
        session.ui.warn(&format!("{} gave another output here, which stays what it gives", key.short()));
    }
    session.ui.out(&if json { document(&imported) } else { text(&imported) });
    Ok(())
}

fn read(session: &Session, input: impl Read, bytes: u64) -> Outcome<Imported> {
    let mut meter = Meter::new(&*session.ui, "importing", bytes);
    Ok(import(&session.store, input, &mut |bytes| {
        meter.add(bytes);
        !session.is_interrupted()
    })?)
}

fn text(imported: &Imported) -> String {
    let rows = imported.counts.iter().filter(|(_, new, there)| new + there > 0);
    let rows = rows.map(|(kind, new, there)| [plural(kind.name()), new.to_string(), there.to_string()]);
    table(&["", "new", "there"], &[Align::Left, Align::Right, Align::Right], rows)
}

fn document(imported: &Imported) -> String {
    let count = |(kind, new, there): &(akbuild_export::Kind, usize, usize)| {
        (plural(kind.name()), json!({"new": new, "there": there}))
    };
    let counts: serde_json::Map<String, Value> = imported.counts.iter().map(count).collect();
    let digest = imported.digest.map(|digest| digest.hex());
    format!("{:#}\n", json!({"schema": 1, "sha256": digest, "entries": counts, "kept": imported.kept}))
}

fn plural(noun: &str) -> String {
    noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"))
}
