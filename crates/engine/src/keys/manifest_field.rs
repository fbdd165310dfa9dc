//! The fields of manifests: one type for those who write keys and those who explain them. Only this file knows how a
//! field is spelled, so a field that one side adds is one that the other side can match on.
//!
//! Keys hash the spelling and records keep it, so the spelling of a field never changes. A field that this program does
//! not know, as in the record of another version, is kept as it is spelled. Must not depend on the values of fields.

use std::borrow::Cow;
use std::fmt;

use akbuild_recipe::plan::{SourceId, ToolId, View};
use serde::{Serialize, Serializer};

/// What one field of a manifest is about. Where several fields share a variant, those with a number stand for the
/// elements of a list in the plan, and the others have names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestField {
    /// The kind of the node.
    Kind,
    /// The version of the kind.
    KindVersion,
    /// The version of the sandbox.
    Sandbox,
    /// The version of the loopback registry.
    Registry,
    /// The script of a stage.
    Script,
    /// The working folder of a stage.
    WorkFolder,
    /// The folder in which a stage leaves its output.
    OutputFolder,
    /// A variable of the environment.
    Variable(String),
    /// A file that akbuild writes, by its path.
    WrittenFile(String),
    /// A folder that akbuild makes, by its path.
    MadeFolder(String),
    /// A copy of a part of a tree.
    Copy {
        /// Its place among the copies.
        number: usize,
        /// Where the stage has it.
        to: String,
        /// How much of the files the stage sees.
        view: View,
    },
    /// A mount of a part of a tree.
    Mount {
        /// Where the stage has it.
        to: String,
        /// The name of the folders that are mounted in its place.
        every: Option<String>,
    },
    /// A part of a tree that is composed.
    Piece {
        /// Its place among the pieces.
        number: usize,
        /// Where it is in the composed tree, with a `/` in front.
        to: String,
    },
    /// A layer of an image.
    Layer {
        /// Its place among the layers.
        number: usize,
        /// Its name.
        name: String,
    },
    /// The tree that an image contains, by where it lives.
    ImageTree(String),
    /// The configuration of an image.
    ImageConfig,
    /// The compression of a layer.
    Compression,
    /// A check of the output, by its place among the checks.
    Check(usize),
    /// The tree of a sysroot.
    Sysroot,
    /// Which files of a sysroot a layer takes.
    SysrootFiles,
    /// The tree of a tool.
    Tool(ToolId),
    /// The commit of a source that a stage sees as a repository.
    Commit(SourceId),
    /// A Python project, by its place among them.
    PythonProject(usize),
    /// The pins of Python packages.
    PythonPins,
    /// The lock files of a stage; only notes have it.
    Locks,
    /// The tree of a source before it is patched.
    SourceTree,
    /// A patch of a source.
    Patch {
        /// Its place among the patches.
        number: usize,
        /// The file that it changes.
        file: String,
    },
    /// A pinned Debian package, by its name.
    DebianPin(String),
    /// The file of a tool's package.
    ToolPackage,
    /// A program of this machine, by its name.
    HostProgram(String),
    /// The C library of this machine.
    HostGlibc,
    /// The processor of this machine.
    HostProcessor,
    /// Where programs of this machine are looked for.
    HostPath,
    /// The folders of this machine that are mounted.
    HostMounts,
    /// The links in the root of this machine.
    HostLinks,
    /// A field of another version of akbuild, as it is spelled.
    Unknown(String),
}

impl ManifestField {
    /// The place of an element in its list, of fields that stand for one.
    pub fn number(&self) -> Option<usize> {
        use ManifestField as Field;
        match self {
            Field::Copy { number, .. }
            | Field::Piece { number, .. }
            | Field::Layer { number, .. }
            | Field::Patch { number, .. }
            | Field::Check(number)
            | Field::PythonProject(number) => Some(*number),
            _ => None,
        }
    }

    /// The same field of the first element of its list. Elements that come or go change the numbers of others.
    #[must_use]
    pub fn unnumbered(mut self) -> Self {
        use ManifestField as Field;
        if let Field::Copy { number, .. }
        | Field::Piece { number, .. }
        | Field::Layer { number, .. }
        | Field::Patch { number, .. }
        | Field::Check(number)
        | Field::PythonProject(number) = &mut self
        {
            *number = 0;
        }
        self
    }

    /// The same without a number and without how much of the files is seen: two manifests mean the same thing by it.
    #[must_use]
    pub fn subject(self) -> Self {
        match self.unnumbered() {
            ManifestField::Copy { number, to, .. } => ManifestField::Copy { number, to, view: View::Whole },
            field => field,
        }
    }

    /// How the field is called where its number does not matter.
    pub fn name(&self) -> String {
        let (name, rest) = self.spelling();
        format!("{name}{}", rest.map(|rest| format!(".{rest}")).unwrap_or_default())
    }

    /// The two parts of the spelling, between which the number stands.
    fn spelling(&self) -> (&str, Option<Cow<'_, str>>) {
        use ManifestField as Field;
        let (name, rest): (&str, Option<&str>) = match self {
            Field::Kind => ("kind", None),
            Field::KindVersion => ("kind-version", None),
            Field::Sandbox => ("sandbox", None),
            Field::Registry => ("registry", None),
            Field::Script => ("script", None),
            Field::WorkFolder => ("cwd", None),
            Field::OutputFolder => ("out", None),
            Field::Variable(name) => ("env", Some(name)),
            Field::WrittenFile(path) => ("file", Some(path)),
            Field::MadeFolder(path) => ("folder", Some(path)),
            Field::Copy { to, view, .. } => return ("copy", Some(format!("{to}{}", suffix(*view)).into())),
            Field::Mount { to, every: None } => ("mount", Some(to)),
            Field::Mount { to, every: Some(name) } => return ("mount", Some(format!("{to}{EVERY}{name}").into())),
            Field::Piece { to, .. } => ("piece", Some(to)),
            Field::Layer { name, .. } => ("layer", Some(name)),
            Field::ImageTree(at) => ("tree", Some(at)),
            Field::ImageConfig => ("config", None),
            Field::Compression => ("compression", None),
            Field::Check(_) => ("check", None),
            Field::Sysroot => ("sysroot", None),
            Field::SysrootFiles => ("sysroot", Some("files")),
            Field::Tool(id) => ("tool", Some(id.as_str())),
            Field::Commit(id) => ("git", Some(id.as_str())),
            Field::PythonProject(_) => ("python", None),
            Field::PythonPins => ("python-pins", None),
            Field::Locks => ("locks", None),
            Field::SourceTree => ("tree", None),
            Field::Patch { file, .. } => ("patch", Some(file)),
            Field::DebianPin(name) => ("deb", Some(name)),
            Field::ToolPackage => ("package", None),
            Field::HostProgram(name) => ("host", Some(name)),
            Field::HostGlibc => ("glibc", None),
            Field::HostProcessor => ("machine", None),
            Field::HostPath => ("path", None),
            Field::HostMounts => ("mounts", None),
            Field::HostLinks => ("links", None),
            Field::Unknown(text) => (text, None),
        };
        (name, rest.map(Cow::Borrowed))
    }

    /// The field that is spelled so, if it is known; its own spelling may be another one.
    fn known(text: &str) -> Option<Self> {
        use ManifestField as Field;
        let Some((name, rest)) = text.split_once('.') else { return Field::plain(text) };
        let owned = || rest.to_owned();
        Some(match name {
            "env" => Field::Variable(owned()),
            "file" => Field::WrittenFile(owned()),
            "folder" => Field::MadeFolder(owned()),
            "mount" => match rest.rsplit_once(EVERY) {
                Some((to, name)) => Field::Mount { to: to.to_owned(), every: Some(name.to_owned()) },
                None => Field::Mount { to: owned(), every: None },
            },
            "tree" => Field::ImageTree(owned()),
            "check" => Field::Check(rest.parse().ok()?),
            "sysroot" if rest == "files" => Field::SysrootFiles,
            "tool" => Field::Tool(ToolId::new(rest)),
            "git" => Field::Commit(SourceId::new(rest)),
            "python" => Field::PythonProject(rest.parse().ok()?),
            "deb" => Field::DebianPin(owned()),
            "host" => Field::HostProgram(owned()),
            _ => {
                let (number, rest) = rest.split_once('.')?;
                Field::element(name, number.parse().ok()?, rest)?
            }
        })
    }

    /// A field without a number or a name.
    fn plain(text: &str) -> Option<Self> {
        use ManifestField as Field;
        Some(match text {
            "kind" => Field::Kind,
            "kind-version" => Field::KindVersion,
            "sandbox" => Field::Sandbox,
            "registry" => Field::Registry,
            "script" => Field::Script,
            "cwd" => Field::WorkFolder,
            "out" => Field::OutputFolder,
            "config" => Field::ImageConfig,
            "compression" => Field::Compression,
            "sysroot" => Field::Sysroot,
            "python-pins" => Field::PythonPins,
            "locks" => Field::Locks,
            "tree" => Field::SourceTree,
            "package" => Field::ToolPackage,
            "glibc" => Field::HostGlibc,
            "machine" => Field::HostProcessor,
            "path" => Field::HostPath,
            "mounts" => Field::HostMounts,
            "links" => Field::HostLinks,
            _ => return None,
        })
    }

    /// A field with a number and a name.
    fn element(name: &str, number: usize, rest: &str) -> Option<Self> {
        use ManifestField as Field;
        let owned = || rest.to_owned();
        Some(match name {
            "copy" => {
                let view = VIEWS.into_iter().find(|view| rest.ends_with(suffix(*view))).unwrap_or(View::Whole);
                let to = rest.strip_suffix(suffix(view)).unwrap_or(rest).to_owned();
                Field::Copy { number, to, view }
            }
            "piece" => Field::Piece { number, to: owned() },
            "layer" => Field::Layer { number, name: owned() },
            "patch" => Field::Patch { number, file: owned() },
            _ => return None,
        })
    }
}

/// Between where a mount is and the name of the folders in its place.
const EVERY: &str = "/**/";

/// The views that a field names.
const VIEWS: [View; 3] = [View::GoImports, View::NpmProject, View::OpenApiSchema];

/// How a field names a view, after where the copy is.
fn suffix(view: View) -> &'static str {
    match view {
        View::Whole => "",
        View::GoImports => " (go imports)",
        View::NpmProject => " (npm project)",
        View::OpenApiSchema => " (with references)",
    }
}

impl fmt::Display for ManifestField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, rest) = self.spelling();
        f.write_str(name)?;
        self.number().map_or(Ok(()), |number| write!(f, ".{number}"))?;
        rest.map_or(Ok(()), |rest| write!(f, ".{rest}"))
    }
}

/// Reads a field as a record spells it.
impl From<&str> for ManifestField {
    fn from(text: &str) -> Self {
        let known = Self::known(text).filter(|field| field.to_string() == text);
        known.unwrap_or_else(|| ManifestField::Unknown(text.to_owned()))
    }
}

impl Serialize for ManifestField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each variant, and those whose names look like other fields.
    fn samples() -> Vec<ManifestField> {
        use ManifestField as Field;
        let text = |text: &str| text.to_owned();
        let copy = |view| Field::Copy { number: 7, to: text("/build/a b"), view };
        vec![
            Field::Kind,
            Field::KindVersion,
            Field::Sandbox,
            Field::Registry,
            Field::Script,
            Field::WorkFolder,
            Field::OutputFolder,
            Field::Variable(text("A.B")),
            Field::WrittenFile(text("/build/1.txt")),
            Field::MadeFolder(text("/srv")),
            copy(View::Whole),
            copy(View::GoImports),
            copy(View::NpmProject),
            copy(View::OpenApiSchema),
            Field::Mount { to: text("/in"), every: None },
            Field::Mount { to: text("/in"), every: Some(text("node_modules")) },
            Field::Piece { number: 0, to: text("/") },
            Field::Layer { number: 1, name: text("base.2") },
            Field::ImageTree(text("/opt")),
            Field::ImageConfig,
            Field::Compression,
            Field::Check(10),
            Field::Sysroot,
            Field::SysrootFiles,
            Field::Tool(ToolId::new("tsc.1")),
            Field::Commit(SourceId::new("app")),
            Field::PythonProject(0),
            Field::PythonPins,
            Field::Locks,
            Field::SourceTree,
            Field::Patch { number: 3, file: text("3.patch") },
            Field::DebianPin(text("libc6.1")),
            Field::ToolPackage,
            Field::HostProgram(text("gcc")),
            Field::HostGlibc,
            Field::HostProcessor,
            Field::HostPath,
            Field::HostMounts,
            Field::HostLinks,
            Field::Unknown(text("copy.x")),
        ]
    }

    #[test]
    fn every_field_is_read_as_it_is_spelled() {
        let samples = samples();
        for field in &samples {
            assert_eq!(ManifestField::from(&*field.to_string()), *field);
        }
        let spelled: Vec<String> = samples.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(spelled.join("\n"), @"
        kind
        kind-version
        sandbox
        registry
        script
        cwd
        out
        env.A.B
        file./build/1.txt
        folder./srv
        copy.7./build/a b
        copy.7./build/a b (go imports)
        copy.7./build/a b (npm project)
        copy.7./build/a b (with references)
        mount./in
        mount./in/**/node_modules
        piece.0./
        layer.1.base.2
        tree./opt
        config
        compression
        check.10
        sysroot
        sysroot.files
        tool.tsc.1
        git.app
        python.0
        python-pins
        locks
        tree
        patch.3.3.patch
        deb.libc6.1
        package
        host.gcc
        glibc
        machine
        path
        mounts
        links
        copy.x
        ");
    }

    #[test]
    fn a_field_that_is_not_known_keeps_its_spelling() {
        for text in
            ["", "copy", "copy.0", "copy.00./build", "check", "check.01", "check.x", "sysroot.x", "later.1.x", "kind.x"]
        {
            let field = ManifestField::from(text);
            assert_eq!(field, ManifestField::Unknown(text.to_owned()));
            assert_eq!(field.to_string(), text);
        }
    }

    #[test]
    fn numbers_and_views_are_not_part_of_the_subject() {
        let field = ManifestField::from("copy.3./build (go imports)");
        assert_eq!(field.number(), Some(3));
        assert_eq!(field.clone().unnumbered().to_string(), "copy.0./build (go imports)");
        assert_eq!(field.clone().subject().name(), "copy./build");
        assert_eq!(ManifestField::from("patch.2.a.txt").subject().name(), "patch.a.txt");
        assert_eq!(ManifestField::from("check.2").subject().name(), "check");
        assert_eq!(ManifestField::from("env.A").subject().name(), "env.A");
    }
}
