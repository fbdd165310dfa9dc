//! `image`: a container image of a sysroot and a tree, in layers.

use std::collections::BTreeSet;

use akbuild_names::BUILD_ARCHITECTURE;
use akbuild_recipe::plan::{
    Compression, Folder, Healthcheck, Image, ImageConfig, ImageLayer, StageId, Step, Subset, TreeRef, WrittenFile,
};
use akbuild_recipe::{Fields, RecipeError};

use crate::tree;

/// The layer of the sysroot, and the one of what no other takes.
const LOWEST: &str = "sysroot";
const HIGHEST: &str = "glue";

/// Options: `tree` (what ships), `at` (where; default the project's prefix), `sysroot` (default `runtime`), `exclude` (of the
/// sysroot's files), `layers` (list of `{ name, from }`), `files` (list of `{ path, text, executable }`), `folders` (list of
/// `{ path, mode }`), `compression` (`zstd` or `gzip`), `level`, `push` (where it is pushed to), and how it is run:
/// `entrypoint`, `command`, `env`, `user`, `workdir`, `ports`, `labels`, `volumes`, `stop_signal`, `healthcheck`.
pub(crate) fn step(fields: &mut Fields<'_>) -> Result<Step, RecipeError> {
    let tree = fields.stage("tree")?;
    if tree.as_str() == fields.stage_name() {
        let help = "name the stage whose output ships in it";
        return Err(fields.error("tree", format!("image `{tree}` cannot ship itself"), help));
    }
    let at = fields.whole_path("at")?.unwrap_or_else(|| fields.vars().prefix.clone());
    let subset = Subset { exclude: fields.globs("exclude", &[])?, ..Subset::default() };
    let mut added = BTreeSet::new();
    Ok(Step::Image(Box::new(Image {
        tree: TreeRef::Stage(tree),
        at,
        sysroot: (fields.sysroot_or("sysroot", "runtime")?, subset),
        files: fields.tables("files")?.into_iter().map(|t| file(t, &mut added)).collect::<Result<_, _>>()?,
        folders: fields.tables("folders")?.into_iter().map(|t| folder(t, &mut added)).collect::<Result<_, _>>()?,
        compression: compression(fields)?,
        layers: layers(fields)?,
        config: config(fields)?,
        push: fields.opt_push("push")?,
    })))
}

fn layers(fields: &mut Fields<'_>) -> Result<Vec<ImageLayer>, RecipeError> {
    let image = fields.stage_name().to_owned();
    let layer = |name: &str, from| ImageLayer {
        name: name.to_owned(),
        tree: TreeRef::Stage(StageId::new(format!("{image}/{name}"))),
        from,
    };
    let mut layers = vec![layer(LOWEST, Vec::new())];
    for mut table in fields.tables("layers")? {
        let name = table.new_name("name")?;
        if name == HIGHEST || layers.iter().any(|l| l.name == name) {
            let help = format!("give each layer a name of its own; `{LOWEST}` and `{HIGHEST}` are there in any case");
            return Err(table.error("name", format!("there is a layer `{name}` already"), help));
        }
        let from = from(&mut table, &name, &layers)?;
        table.finish()?;
        layers.push(layer(&name, from));
    }
    layers.push(layer(HIGHEST, Vec::new()));
    Ok(layers)
}

/// The trees of a layer: at least one, and none that it or a lower one has taken.
fn from(table: &mut Fields<'_>, name: &str, lower: &[ImageLayer]) -> Result<Vec<TreeRef>, RecipeError> {
    table.req_strings("from")?;
    let from = table.trees("from")?;
    for (i, tree) in from.iter().enumerate() {
        let other = lower.iter().find(|layer| layer.from.contains(tree)).map(|layer| layer.name.as_str());
        if let Some(other) = other.or(from[..i].contains(tree).then_some(name)) {
            let message = format!("layer `{other}` takes `{}` already", tree.name());
            return Err(table.item_error("from", i, message, "name each tree once, in one layer"));
        }
    }
    Ok(from)
}

/// A path that the image does not have yet by itself.
fn new_path(table: &mut Fields<'_>, added: &mut BTreeSet<String>) -> Result<String, RecipeError> {
    let path = table.place_of_file("path", &["/"])?.path;
    if added.insert(path.clone()) {
        return Ok(path);
    }
    let help = "give each path once, as a file or as a folder";
    Err(table.error("path", format!("the image has two things at `{path}`"), help))
}

fn file(mut table: Fields<'_>, added: &mut BTreeSet<String>) -> Result<WrittenFile, RecipeError> {
    tree::written(new_path(&mut table, added)?, table)
}

fn folder(mut table: Fields<'_>, added: &mut BTreeSet<String>) -> Result<Folder, RecipeError> {
    let path = new_path(&mut table, added)?;
    let text = table.string_or("mode", "755")?;
    let octal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| octal && *mode <= 0o7777);
    let mode = mode.ok_or_else(|| {
        let help = "write the permission bits as `chmod` takes them: `\"755\"`, or `\"1777\"` where everybody writes";
        table.error("mode", format!("`{text}` is no mode"), help)
    })?;
    table.finish()?;
    Ok(Folder { path, mode })
}

fn compression(fields: &mut Fields<'_>) -> Result<Compression, RecipeError> {
    match fields.string_or("compression", "gzip")?.as_str() {
        "zstd" => Ok(Compression::Zstd(fields.int_or("level", 3, 1..=19)? as i32)),
        "gzip" => {
            let level = fields.int_or("level", 6, 1..=9);
            let level = level.map_err(|error| error.with_help("with `compression = \"zstd\"` levels go up to 19"))?;
            Ok(Compression::Gzip(level as u32))
        }
        other => Err(fields.error("compression", format!("no compression `{other}`"), "write `zstd` or `gzip`")),
    }
}

fn config(fields: &mut Fields<'_>) -> Result<ImageConfig, RecipeError> {
    let mut config = ImageConfig {
        architecture: BUILD_ARCHITECTURE.golang().to_owned(),
        entrypoint: entrypoint(fields)?,
        command: fields.strings("command")?,
        env: fields.variables("env")?,
        user: user(fields)?,
        workdir: fields.whole_path("workdir")?.unwrap_or_default(),
        ports: ports(fields)?,
        labels: fields.string_map("labels")?,
        volumes: fields.whole_paths("volumes")?,
        stop_signal: fields.string_or("stop_signal", "")?,
        healthcheck: fields.opt_table("healthcheck")?.map(healthcheck).transpose()?,
    };
    config.ports.sort();
    config.volumes.sort();
    Ok(config)
}

fn entrypoint(fields: &mut Fields<'_>) -> Result<Vec<String>, RecipeError> {
    let words = fields.req_strings("entrypoint")?;
    if !words[0].starts_with('/') {
        let message = format!("the program `{}` is not named by its whole path", words[0]);
        return Err(fields.item_error("entrypoint", 0, message, "write where it is in the image, from `/`"));
    }
    Ok(words)
}

fn user(fields: &mut Fields<'_>) -> Result<String, RecipeError> {
    let user = fields.string_or("user", "")?;
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c == ':' || c == '/' || c.is_whitespace());
    let (name, group) = user.split_once(':').unwrap_or((&user, "0"));
    if user.is_empty() || (plain(name) && plain(group)) {
        return Ok(user);
    }
    Err(fields.error("user", format!("`{user}` is no user"), "write `\"UID\"`, `\"UID:GID\"` or names: `\"65534\"`"))
}

fn ports(fields: &mut Fields<'_>) -> Result<Vec<String>, RecipeError> {
    let ports = fields.strings("ports")?;
    match ports.iter().position(|port| !is_port(port)) {
        None => Ok(ports),
        Some(bad) => {
            let help = "write a number up to 65535 and `tcp`, `udp` or `sctp`: `\"9000/tcp\"`";
            Err(fields.item_error("ports", bad, format!("`{}` is no port", ports[bad]), help))
        }
    }
}

fn is_port(text: &str) -> bool {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number = port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    number && ["tcp", "udp", "sctp"].contains(&protocol)
}

fn healthcheck(mut table: Fields<'_>) -> Result<Healthcheck, RecipeError> {
    let hour = 0..=3600;
    let seconds = |n: i64| n.unsigned_abs();
    let check = Healthcheck {
        command: table.req_strings("command")?,
        interval: seconds(table.int_or("interval", 30, hour.clone())?),
        timeout: seconds(table.int_or("timeout", 30, hour.clone())?),
        start_period: seconds(table.int_or("start_period", 0, hour)?),
        retries: seconds(table.int_or("retries", 3, 1..=1000)?),
    };
    table.finish()?;
    Ok(check)
}
