//! `image`: a container image of a sysroot and a tree, in layers.

use akbuild_recipe::plan::{
    Compression, Folder, Healthcheck, Image, ImageConfig, ImageLayer, StageId, Step, Subset, TreeRef,
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
    let tree = TreeRef::Stage(fields.stage("tree")?);
    let prefix = fields.vars().prefix.clone();
    let at = fields.string_or("at", &prefix)?;
    absolute(fields, "at", std::slice::from_ref(&at))?;
    let subset = Subset { include: Vec::new(), exclude: fields.globs("exclude", &[])? };
    Ok(Step::Image(Box::new(Image {
        tree,
        at,
        sysroot: (fields.sysroot_or("sysroot", "runtime")?, subset),
        files: fields.tables("files")?.into_iter().map(tree::file).collect::<Result<_, _>>()?,
        folders: fields.tables("folders")?.into_iter().map(folder).collect::<Result<_, _>>()?,
        compression: compression(fields)?,
        layers: layers(fields)?,
        config: config(fields)?,
        push: fields.opt_text("push")?,
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
        let name = table.string("name")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || !name.bytes().all(plain) {
            let help = "only letters, digits, `.`, `_` and `-` are allowed";
            return Err(table.error("name", format!("bad name `{name}` of a layer"), help));
        }
        if name == HIGHEST || layers.iter().any(|l| l.name == name) {
            let help = format!("`{LOWEST}` and `{HIGHEST}` are there already; give each layer a name of its own");
            return Err(table.error("name", format!("there is a layer `{name}` already"), help));
        }
        let from = table.trees("from")?;
        if from.is_empty() {
            return Err(table.missing("from"));
        }
        if let Some((double, other)) = from.iter().find_map(|tree| {
            let other = layers.iter().find(|l: &&ImageLayer| l.from.contains(tree))?;
            Some((tree, other.name.clone()))
        }) {
            let name = match double {
                TreeRef::Source(id) => id.as_str(),
                TreeRef::Stage(id) => id.as_str(),
            };
            let message = format!("layer `{other}` takes `{name}` already");
            return Err(table.error("from", message, "name each tree in one layer"));
        }
        table.finish()?;
        layers.push(layer(&name, from));
    }
    layers.push(layer(HIGHEST, Vec::new()));
    Ok(layers)
}

fn folder(mut table: Fields<'_>) -> Result<Folder, RecipeError> {
    let path = table.path("path")?;
    let text = table.string_or("mode", "755")?;
    let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| *mode <= 0o7777);
    let mode = mode.ok_or_else(|| {
        table.error("mode", format!("`{text}` is no mode"), "write the permission bits as `chmod` takes them: `\"1777\"`")
    })?;
    table.finish()?;
    Ok(Folder { path, mode })
}

fn compression(fields: &mut Fields<'_>) -> Result<Compression, RecipeError> {
    match fields.string_or("compression", "gzip")?.as_str() {
        "zstd" => Ok(Compression::Zstd(fields.int_or("level", 3, 1..=19)? as i32)),
        "gzip" => Ok(Compression::Gzip(fields.int_or("level", 6, 1..=9)? as u32)),
        other => Err(fields.error("compression", format!("no compression `{other}`"), "write `zstd` or `gzip`")),
    }
}

fn config(fields: &mut Fields<'_>) -> Result<ImageConfig, RecipeError> {
    let mut config = ImageConfig {
        // The one architecture that sysroots and stages are made for.
        architecture: "amd64".to_owned(),
        entrypoint: fields.req_strings("entrypoint")?,
        command: fields.strings("command")?,
        env: fields.string_map("env")?,
        user: fields.string_or("user", "")?,
        workdir: fields.string_or("workdir", "")?,
        ports: fields.strings("ports")?,
        labels: fields.string_map("labels")?,
        volumes: fields.strings("volumes")?,
        stop_signal: fields.string_or("stop_signal", "")?,
        healthcheck: fields.opt_table("healthcheck")?.map(healthcheck).transpose()?,
    };
    absolute(fields, "volumes", &config.volumes)?;
    if !config.workdir.is_empty() {
        absolute(fields, "workdir", std::slice::from_ref(&config.workdir))?;
    }
    if let Some(bad) = config.ports.iter().find(|port| !is_port(port)) {
        return Err(fields.error("ports", format!("`{bad}` is no port"), "write `\"9000/tcp\"`"));
    }
    if let Some(bad) = config.env.keys().find(|name| name.is_empty() || name.contains('=')) {
        return Err(fields.error("env", format!("`{bad}` is no name of a variable"), ""));
    }
    config.ports.sort();
    config.volumes.sort();
    Ok(config)
}

fn is_port(text: &str) -> bool {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    port.parse::<u16>().is_ok_and(|port| port > 0) && ["tcp", "udp", "sctp"].contains(&protocol)
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

fn absolute(fields: &mut Fields<'_>, key: &str, paths: &[String]) -> Result<(), RecipeError> {
    let plain = |path: &str| path.strip_prefix('/').is_some_and(|rest| !rest.split('/').any(|p| p == "." || p == ".."));
    match paths.iter().find(|path| !plain(path)) {
        None => Ok(()),
        Some(bad) => {
            let help = "write the whole path, from `/`, without `..`";
            Err(fields.error(key, format!("`{bad}` is not an absolute path"), help))
        }
    }
}
