//! What the OpenAPI kinds share: running the generator on a schema, with a client's configuration and templates.
//!
//! Upstreams write `/local` in their configuration for the folder that holds it, after the
//! generator's container image; it is mounted just there, so that nothing has to be rewritten.

use akbuild_recipe::plan::{Copy, Mount, SourceId, Subset, TOOLS, ToolId, TreeRef, View, WORK};
use akbuild_recipe::{Fields, RecipeError};

use crate::script::quote;

/// Where the client's own source is seen.
pub(crate) const LOCAL: &str = "/local";
/// Short runs on few cores: neither a parallel collector nor the last tier of the compiler pays.
const JAVA: &str = "java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home=/tmp";

/// The generator at work.
pub(crate) struct Generate {
    pub(crate) source: SourceId,
    pub(crate) tool: ToolId,
    /// The schema and the files to which it refers.
    pub(crate) copies: Vec<Copy>,
    pub(crate) mounts: Vec<Mount>,
    /// The command, without an end of line.
    pub(crate) command: String,
}

/// Reads the options that both kinds have: `schema_source`, `schema`, `schema_include` (further files of it), `source`, `config`, `templates`,
/// `generator` (a tool; default `openapi-generator`), `jar` (its path in the tool), `properties`
/// (`--additional-properties`), `arguments` (further words of the command).
pub(crate) fn read(fields: &mut Fields<'_>, language: &str) -> Result<Generate, RecipeError> {
    let source = fields.source("source")?;
    let schema_source = fields.opt_source("schema_source")?.unwrap_or_else(|| source.clone());
    let schema = fields.opt_path("schema")?.unwrap_or_else(|| "schema.yml".into());
    let config = fields.path("config")?;
    let tool = fields.tool_or("generator", "openapi-generator")?;
    let jar = fields.string_or("jar", "openapi_generator_cli/openapi-generator.jar")?;
    let mut include = vec![pattern(&schema)];
    include.extend(fields.globs("schema_include", &[])?);
    let subset = Subset { include, ..Subset::default() };
    let from = TreeRef::Source(schema_source);
    let copies = vec![Copy { from, subset, to: WORK.to_owned(), view: View::OpenApiSchema }];
    let mut mounts = vec![mount(&source, &config, format!("{LOCAL}/{config}"))];
    if let Some(templates) = fields.opt_path("templates")? {
        let to = format!("{LOCAL}/{templates}");
        mounts.push(mount(&source, &templates, to));
    }
    let jar = quote(&format!("{TOOLS}/{tool}/{jar}"));
    let config = quote(&format!("{LOCAL}/{config}"));
    let schema = quote(&format!("{WORK}/{schema}"));
    let mut command = format!("{JAVA} -jar {jar} generate -i {schema} -g {language} -c {config} -o \"$out\"");
    let properties = fields.string_map("properties")?;
    if !properties.is_empty() {
        let list: Vec<String> = properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
        command.push_str(&format!(" {}", quote(&format!("--additional-properties={}", list.join(",")))));
    }
    for word in fields.strings("arguments")? {
        command.push_str(&format!(" {}", quote(&word)));
    }
    Ok(Generate { source, tool, copies, mounts, command })
}

/// Fails if the output has no file of this kind: generators say what is wrong with a schema and succeed.
pub(crate) fn made(pattern: &str, language: &str) -> String {
    format!(
        "if [ -z \"$(find \"$out\" -name '{pattern}' -print -quit)\" ]; then\n\
         \x20 echo 'error: there is no {language} file in the output' >&2\n\
         \x20 echo '  help: see the lines above, and `schema`, `config` and `arguments` of the stage' >&2\n\
         \x20 exit 1\n\
         fi\n"
    )
}

/// The pattern that matches one path.
fn pattern(path: &str) -> String {
    path.chars().flat_map(|c| "*?[]{}\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A file or folder of a source.
pub(crate) fn mount(source: &SourceId, path: &str, to: String) -> Mount {
    let (from, path) = (TreeRef::Source(source.clone()), path.trim_matches('/').to_owned());
    Mount { from, path, to, folders: None, optional: false }
}
