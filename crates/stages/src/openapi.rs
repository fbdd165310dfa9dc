//! What the OpenAPI kinds share: running the generator on a schema, with a client's configuration and templates.
//!
//! Upstreams write `/local` in their configuration for the folder that holds it, after the
//! generator's container image; it is mounted just there, so that nothing has to be rewritten.

use akbuild_recipe::plan::{Mount, SourceId, TOOLS, ToolId, TreeRef};
use akbuild_recipe::{Fields, RecipeError};

use crate::quote;

/// Where the client's own source is seen.
pub(crate) const LOCAL: &str = "/local";
const SCHEMA: &str = "/opt/akbuild/schema.yml";
/// Short runs on few cores: neither a parallel collector nor the last tier of the compiler pays.
const JAVA: &str = "java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home=/tmp";

/// The generator at work.
pub(crate) struct Generate {
    pub(crate) source: SourceId,
    pub(crate) tool: ToolId,
    pub(crate) mounts: Vec<Mount>,
    /// The command, without an end of line.
    pub(crate) command: String,
}

/// Reads the options that both kinds have: `schema_source`, `schema`, `source`, `config`, `templates`,
/// `generator` (a tool; default `openapi-generator`), `jar` (its path in the tool), `properties`
/// (`--additional-properties`), `arguments` (further words of the command).
pub(crate) fn read(fields: &mut Fields<'_>, language: &str) -> Result<Generate, RecipeError> {
    let source = fields.source("source")?;
    let schema_source = fields.opt_source("schema_source")?.unwrap_or_else(|| source.clone());
    let schema = fields.opt_path("schema")?.unwrap_or_else(|| "schema.yml".into());
    let config = fields.path("config")?;
    let tool = fields.tool_or("generator", "openapi-generator")?;
    let jar = fields.string_or("jar", "openapi_generator_cli/openapi-generator.jar")?;
    let mut mounts =
        vec![mount(&schema_source, &schema, SCHEMA.to_owned()), mount(&source, &config, format!("{LOCAL}/{config}"))];
    if let Some(templates) = fields.opt_path("templates")? {
        let to = format!("{LOCAL}/{templates}");
        mounts.push(mount(&source, &templates, to));
    }
    let jar = quote(&format!("{TOOLS}/{tool}/{jar}"));
    let config = quote(&format!("{LOCAL}/{config}"));
    let mut command = format!("{JAVA} -jar {jar} generate -i {SCHEMA} -g {language} -c {config} -o \"$out\"");
    let properties = fields.string_map("properties")?;
    if !properties.is_empty() {
        let list: Vec<String> = properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        command.push_str(&format!(" {}", quote(&format!("--additional-properties={}", list.join(",")))));
    }
    for word in fields.strings("arguments")? {
        command.push_str(&format!(" {}", quote(&word)));
    }
    Ok(Generate { source, tool, mounts, command })
}

/// A file or folder of a source.
pub(crate) fn mount(source: &SourceId, path: &str, to: String) -> Mount {
    let (from, path) = (TreeRef::Source(source.clone()), path.trim_matches('/').to_owned());
    Mount { from, path, to, folders: None, optional: false }
}
