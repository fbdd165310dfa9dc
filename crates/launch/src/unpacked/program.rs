//! Which program of an image is started, and whether it can be: what runs it must be there too. Knows PATH.

use std::io::Read;
use std::path::{Path, PathBuf};

use akbuild_image::{PROGRAM_START_BYTES, ProgramRunner, Unpacked, program_runner};

use crate::files::open;
use crate::{DEFAULT_PATH, ImageProcess, LaunchProblem};

/// An image in which a program is looked for.
pub(super) struct ProgramSearch<'a> {
    pub(super) folder: &'a Path,
    pub(super) files: &'a Unpacked,
    pub(super) process: &'a ImageProcess,
}

impl ProgramSearch<'_> {
    /// The program and its arguments, the program with its whole path.
    pub(super) fn argv(&self, args: &[String]) -> Result<Vec<String>, LaunchProblem> {
        let mut argv = self.process.words(args).into_iter();
        let program = argv.next().ok_or_else(|| "it has neither an entry point nor a command".to_owned());
        let found = program.and_then(|program| self.program(&program));
        let found = found.map_err(|cause| LaunchProblem::new("the image cannot be started").because(cause))?;
        Ok(std::iter::once(found.to_string_lossy().into_owned()).chain(argv).collect())
    }

    /// Where the program with this name is, or why it cannot be started.
    fn program(&self, name: &str) -> Result<PathBuf, String> {
        let found = if name.contains('/') {
            let path = Path::new(&self.process.workdir).join(name);
            if self.files.look_up(&path).is_none() {
                return Err(format!("there is no program `{name}` in the image"));
            }
            Some(path).filter(|path| self.executes(path)).ok_or_else(|| format!("`{name}` cannot be executed"))?
        } else {
            self.search(name)?
        };
        let Some(ProgramRunner { path, searched }) = self.runner(&found) else { return Ok(found) };
        if !self.executes(&path) {
            return Err(format!("`{name}` is for `{}`, which is not in the image", path.display()));
        }
        if let Some(Err(problem)) = searched.map(|searched| self.search(&searched)) {
            return Err(format!("`{name}` is for `{}`, and {problem}", path.display()));
        }
        Ok(found)
    }

    /// Looks for a program in `PATH`.
    fn search(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.process.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        // What is found relative to the working folder is not run, as by container runtimes.
        let folders = path.split(':').map(Path::new).filter(|folder| folder.is_absolute());
        let found = folders.map(|folder| folder.join(name)).find(|path| self.executes(path));
        found.ok_or_else(|| format!("there is no program `{name}` in `{path}`"))
    }

    fn executes(&self, path: &Path) -> bool {
        self.files.look_up(path).is_some_and(|(_, meta)| !meta.is_folder && meta.mode & 0o111 != 0)
    }

    /// What runs a program, by its first bytes.
    fn runner(&self, program: &Path) -> Option<ProgramRunner> {
        let mut first = Vec::new();
        let file = open(self.folder).ok()?.file(program).ok()?;
        file.take(PROGRAM_START_BYTES as u64).read_to_end(&mut first).ok()?;
        program_runner(&first)
    }
}
