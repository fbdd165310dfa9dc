//! Which program of an image is started, and whether it can be. Knows PATH and the first lines of scripts.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{PATH, Root, open};
use crate::Finding;

impl Root {
    /// The program and its arguments, the program with its whole path.
    pub(super) fn argv(&self, args: &[String]) -> Result<Vec<String>, Finding> {
        let args = if args.is_empty() { &self.command } else { args };
        let mut argv = self.entrypoint.iter().chain(args).cloned();
        let program = argv.next().ok_or_else(|| "it has neither an entry point nor a command".to_owned());
        let found = program.and_then(|program| self.program(&program));
        let found = found.map_err(|cause| Finding::new("the image cannot be started").because(cause))?;
        Ok(std::iter::once(found.to_string_lossy().into_owned()).chain(argv).collect())
    }

    /// Where the program with this name is, or why it cannot be started.
    fn program(&self, name: &str) -> Result<PathBuf, String> {
        let found = if name.contains('/') {
            let path = Path::new(&self.workdir).join(name);
            if !self.has(&path) {
                return Err(format!("there is no program `{name}` in the image"));
            }
            Some(path).filter(|path| self.executes(path)).ok_or_else(|| format!("`{name}` cannot be executed"))?
        } else {
            let path = self.env.get("PATH").map_or(PATH, String::as_str);
            // What is found relative to the working folder is not run, as by container runtimes.
            let folders = path.split(':').map(Path::new).filter(|folder| folder.is_absolute());
            let found = folders.map(|folder| folder.join(name)).find(|path| self.executes(path));
            found.ok_or_else(|| format!("there is no program `{name}` in `{path}`"))?
        };
        match self.interpreter(&found).filter(|path| !self.executes(path)) {
            Some(missing) => Err(format!("`{name}` is for `{}`, which is not in the image", missing.display())),
            None => Ok(found),
        }
    }

    fn executes(&self, path: &Path) -> bool {
        self.files.look_up(path).is_some_and(|(_, meta)| !meta.is_folder && meta.mode & 0o111 != 0)
    }

    /// The program that runs a script, by its first line.
    fn interpreter(&self, program: &Path) -> Option<PathBuf> {
        let mut first = Vec::new();
        open(&self.folder).ok()?.file(program).ok()?.take(256).read_to_end(&mut first).ok()?;
        let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let word = std::str::from_utf8(line).ok()?.split_whitespace().next()?;
        word.starts_with('/').then(|| word.into())
    }
}
