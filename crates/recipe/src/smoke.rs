//! `[smoke]`: what is started of an image to see whether it works. Knows the section's fields; what they mean for
//! processes and connections is not known here.

use std::collections::BTreeSet;

use crate::error::RecipeError;
use crate::fields::Fields;
use crate::plan::{Page, Probe, Smoke, SmokeCheck, SmokeCommand, SmokeProcess, SmokeService, WrittenFile};

/// Reads the section.
pub(crate) fn smoke(mut fields: Fields<'_>) -> Result<Smoke, RecipeError> {
    let seconds = 1..=86_400;
    let smoke = Smoke {
        image: fields.stage("image")?,
        memory: fields.int_or("memory_mib", 0, 0..=1 << 20)?.unsigned_abs() << 20,
        timeout: fields.int_or("timeout", 300, seconds.clone())?.unsigned_abs(),
        grace: fields.int_or("grace", 30, seconds)?.unsigned_abs(),
        env: fields.string_map("env")?,
        services: fields.tables("services")?.into_iter().map(service).collect::<Result<_, _>>()?,
        commands: fields.tables("commands")?.into_iter().map(command).collect::<Result<_, _>>()?,
        processes: fields.tables("processes")?.into_iter().map(process).collect::<Result<_, _>>()?,
        pages: fields.tables("pages")?.into_iter().map(page).collect::<Result<_, _>>()?,
        checks: fields.tables("checks")?.into_iter().map(check).collect::<Result<_, _>>()?,
    };
    names(&fields, &smoke)?;
    fields.finish()?;
    Ok(smoke)
}

/// Fails if two have the same name, or a page is of no process.
fn names(fields: &Fields<'_>, smoke: &Smoke) -> Result<(), RecipeError> {
    let services = smoke.services.iter().map(|s| ("services", &s.name));
    let commands = smoke.commands.iter().map(|c| ("commands", &c.name));
    let processes = smoke.processes.iter().map(|p| ("processes", &p.name));
    let checks = smoke.checks.iter().map(|c| ("checks", &c.name));
    let mut seen = BTreeSet::new();
    for (key, name) in services.chain(commands).chain(processes).chain(checks) {
        if !seen.insert(name) {
            let message = format!("`[smoke]` has two things called `{name}`");
            return Err(fields.error(key, message, "logs are named after them: give each a name of its own"));
        }
    }
    let mut ports = BTreeSet::new();
    if let Some(double) = smoke.services.iter().find(|s| !ports.insert(s.port)) {
        let message = format!("two services have the port {}", double.port);
        return Err(fields.error("services", message, "all of them are reached at 127.0.0.1: choose another port"));
    }
    if smoke.processes.is_empty() {
        return Err(fields.missing("processes"));
    }
    let known = |page: &&Page| !smoke.processes.iter().any(|process| process.name == page.process);
    if let Some(page) = smoke.pages.iter().find(known) {
        let message = format!("page `{}` is of the process `{}`, which is not there", page.path, page.process);
        let all: Vec<String> = smoke.processes.iter().map(|p| format!("`{}`", p.name)).collect();
        return Err(fields.error("pages", message, format!("the processes are {}", all.join(", "))));
    }
    Ok(())
}

fn name(table: &mut Fields<'_>) -> Result<String, RecipeError> {
    let name = table.string("name")?;
    match crate::name::check(&name) {
        Ok(()) => Ok(name),
        Err(problem) => Err(table.error("name", format!("bad name `{name}`"), "").with_label(problem)),
    }
}

fn port(table: &mut Fields<'_>) -> Result<u16, RecipeError> {
    if !table.has("port") {
        return Err(table.missing("port"));
    }
    Ok(u16::try_from(table.int_or("port", 0, 1..=65_535)?).unwrap_or(0))
}

fn service(mut table: Fields<'_>) -> Result<SmokeService, RecipeError> {
    let service = SmokeService {
        name: name(&mut table)?,
        sysroot: table.sysroot("sysroot")?,
        port: port(&mut table)?,
        script: table.text("script")?,
        env: table.string_map("env")?,
    };
    table.finish()?;
    Ok(service)
}

fn command(mut table: Fields<'_>) -> Result<SmokeCommand, RecipeError> {
    let command = SmokeCommand {
        name: name(&mut table)?,
        args: table.strings("args")?,
        env: table.string_map("env")?,
        files: files(&mut table)?,
    };
    table.finish()?;
    Ok(command)
}

fn process(mut table: Fields<'_>) -> Result<SmokeProcess, RecipeError> {
    let process = SmokeProcess {
        name: name(&mut table)?,
        args: table.strings("args")?,
        env: table.string_map("env")?,
        files: files(&mut table)?,
        probes: table.tables("probes")?.into_iter().map(probe).collect::<Result<_, _>>()?,
        expect: table.strings("expect")?,
    };
    table.finish()?;
    Ok(process)
}

/// Files that are mounted read-only, at absolute paths.
fn files(table: &mut Fields<'_>) -> Result<Vec<WrittenFile>, RecipeError> {
    let file = |mut file: Fields<'_>| {
        let path = file.string("path")?;
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
            let message = format!("`{path}` is not an absolute path");
            return Err(file.error("path", message, "write where it is mounted, from `/`"));
        }
        let written = WrittenFile { path, text: file.text("text")?, executable: false };
        file.finish()?;
        Ok(written)
    };
    table.tables("files")?.into_iter().map(file).collect()
}

fn http_path(table: &mut Fields<'_>) -> Result<String, RecipeError> {
    let path = table.string("path")?;
    match path.starts_with('/') {
        true => Ok(path),
        false => Err(table.error("path", format!("`{path}` does not begin with `/`"), "write the path of the address")),
    }
}

fn probe(mut table: Fields<'_>) -> Result<Probe, RecipeError> {
    let status = table.int_or("status", 200, 100..=599)?;
    let probe =
        Probe { port: port(&mut table)?, path: http_path(&mut table)?, status: u16::try_from(status).unwrap_or(200) };
    table.finish()?;
    Ok(probe)
}

fn page(mut table: Fields<'_>) -> Result<Page, RecipeError> {
    let page = Page {
        process: table.string("process")?,
        port: port(&mut table)?,
        path: http_path(&mut table)?,
        contains: table.strings("contains")?,
        assets: table.bool_or("assets", true)?,
    };
    table.finish()?;
    Ok(page)
}

fn check(mut table: Fields<'_>) -> Result<SmokeCheck, RecipeError> {
    let check = SmokeCheck {
        name: name(&mut table)?,
        sysroot: table.sysroot("sysroot")?,
        script: table.text("script")?,
        env: table.string_map("env")?,
    };
    table.finish()?;
    Ok(check)
}
