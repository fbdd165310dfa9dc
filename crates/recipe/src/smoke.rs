//! `[smoke]`: what is started of an image to see whether it works. Knows the section's fields; what they mean for
//! processes and connections is not known here.

use std::collections::BTreeSet;

use crate::error::RecipeError;
use crate::fields::Fields;
use crate::plan::{Page, Probe, Smoke, SmokeCheck, SmokeCommand, SmokeProcess, SmokeService, WrittenFile};
use crate::scope::Names;
use crate::written::{Place, WrittenSmoke};

/// Reads the section.
pub(crate) fn smoke(mut fields: Fields<'_>) -> Result<WrittenSmoke, RecipeError> {
    let seconds = 1..=86_400;
    let mut known = Known::default();
    let image = fields.stage("image")?;
    let place = Place { file: fields.scope.file.clone(), span: fields.value_span("image") };
    let smoke = Smoke {
        image,
        memory: fields.int_or("memory_mib", 0, 0..=1 << 20)?.unsigned_abs() << 20,
        timeout: fields.int_or("timeout", 300, seconds.clone())?.unsigned_abs(),
        grace: fields.int_or("grace", 30, seconds)?.unsigned_abs(),
        env: fields.variables("env")?,
        services: fields.tables("services")?.into_iter().map(|t| known.service(t)).collect::<Result<_, _>>()?,
        commands: fields.tables("commands")?.into_iter().map(|t| known.command(t)).collect::<Result<_, _>>()?,
        processes: fields.tables("processes")?.into_iter().map(|t| known.process(t)).collect::<Result<_, _>>()?,
        pages: Vec::new(),
        checks: fields.tables("checks")?.into_iter().map(|t| known.check(t)).collect::<Result<_, _>>()?,
    };
    if smoke.processes.is_empty() {
        let message = format!("{} starts no process of the image", fields.what);
        let help = "add `[[smoke.processes]]` with its `name` and `args`";
        return Err(fields.error("processes", message, help));
    }
    let processes = smoke.processes.iter().map(|process| process.name.as_str()).collect();
    let pages = fields.tables("pages")?.into_iter().map(|t| page(t, &processes)).collect::<Result<_, _>>()?;
    fields.finish()?;
    Ok(WrittenSmoke { smoke: Smoke { pages, ..smoke }, place })
}

/// What the tables before have taken.
#[derive(Default)]
struct Known {
    names: BTreeSet<String>,
    ports: BTreeSet<u16>,
}

impl Known {
    fn name(&mut self, table: &mut Fields<'_>) -> Result<String, RecipeError> {
        let name = table.new_name("name")?;
        if self.names.insert(name.clone()) {
            return Ok(name);
        }
        let help = "logs are named after them: give each a name of its own";
        Err(table.error("name", format!("`[smoke]` has two things called `{name}`"), help))
    }

    fn service(&mut self, mut table: Fields<'_>) -> Result<SmokeService, RecipeError> {
        let name = self.name(&mut table)?;
        let sysroot = table.sysroot("sysroot")?;
        let port = port(&mut table)?;
        if !self.ports.insert(port) {
            let help = "all of them are reached at 127.0.0.1: choose another port";
            return Err(table.error("port", format!("two services have the port {port}"), help));
        }
        let service = SmokeService { name, sysroot, port, script: table.text("script")?, env: table.variables("env")? };
        table.finish()?;
        Ok(service)
    }

    fn command(&mut self, mut table: Fields<'_>) -> Result<SmokeCommand, RecipeError> {
        let command = SmokeCommand {
            name: self.name(&mut table)?,
            args: table.strings("args")?,
            env: table.variables("env")?,
            files: files(&mut table)?,
            allow_logs: allow_logs(&mut table)?,
        };
        table.finish()?;
        Ok(command)
    }

    fn process(&mut self, mut table: Fields<'_>) -> Result<SmokeProcess, RecipeError> {
        let process = SmokeProcess {
            name: self.name(&mut table)?,
            args: table.strings("args")?,
            env: table.variables("env")?,
            files: files(&mut table)?,
            probes: table.tables("probes")?.into_iter().map(probe).collect::<Result<_, _>>()?,
            expect: table.strings("expect")?,
            allow_logs: allow_logs(&mut table)?,
        };
        table.finish()?;
        Ok(process)
    }

    fn check(&mut self, mut table: Fields<'_>) -> Result<SmokeCheck, RecipeError> {
        let check = SmokeCheck {
            name: self.name(&mut table)?,
            sysroot: table.sysroot("sysroot")?,
            script: table.text("script")?,
            env: table.variables("env")?,
            once: table.bool_or("once", false)?,
        };
        table.finish()?;
        Ok(check)
    }
}

/// Texts of crashes that may be logged. An empty one would allow all.
fn allow_logs(table: &mut Fields<'_>) -> Result<Vec<String>, RecipeError> {
    let texts = table.strings("allow_logs")?;
    if texts.iter().any(|text| text.trim().is_empty()) {
        let help = "write a text that is in the expected traceback: `\"ConnectionRefusedError\"`";
        return Err(table.error("allow_logs", "an empty text would allow any crash".to_owned(), help));
    }
    Ok(texts)
}

fn port(table: &mut Fields<'_>) -> Result<u16, RecipeError> {
    if !table.has("port") {
        return Err(table.missing("port"));
    }
    Ok(u16::try_from(table.int_or("port", 0, 1..=65_535)?).unwrap_or(0))
}

/// Files that are mounted read-only, at absolute paths.
fn files(table: &mut Fields<'_>) -> Result<Vec<WrittenFile>, RecipeError> {
    let mut seen = BTreeSet::new();
    let file = |mut file: Fields<'_>| {
        let path = file.whole_path("path")?.ok_or_else(|| file.missing("path"))?;
        if !seen.insert(path.clone()) {
            return Err(file.error("path", format!("two files are mounted at `{path}`"), "take one of them away"));
        }
        let written = WrittenFile { path, text: file.text("text")?, executable: false };
        file.finish()?;
        Ok(written)
    };
    table.tables("files")?.into_iter().map(file).collect()
}

/// The path of an address.
fn http_path(table: &mut Fields<'_>) -> Result<String, RecipeError> {
    let path = table.string("path")?;
    if path.starts_with('/') {
        return Ok(path);
    }
    let help = "write what follows the port in the address: `\"/if/user/\"`";
    Err(table.error("path", format!("`{path}` does not begin with `/`"), help))
}

fn probe(mut table: Fields<'_>) -> Result<Probe, RecipeError> {
    let status = table.int_or("status", 200, 100..=599)?;
    let probe =
        Probe { port: port(&mut table)?, path: http_path(&mut table)?, status: u16::try_from(status).unwrap_or(200) };
    table.finish()?;
    Ok(probe)
}

fn page(mut table: Fields<'_>, processes: &Names) -> Result<Page, RecipeError> {
    let process = table.string("process")?;
    table.known_name(&process, table.value_span("process"), "process", processes)?;
    let page = Page {
        process,
        port: port(&mut table)?,
        path: http_path(&mut table)?,
        contains: table.strings("contains")?,
        assets: table.bool_or("assets", true)?,
    };
    table.finish()?;
    Ok(page)
}
