//! What the Go kinds share: which files a module is made of, and the end of a script that explains what go complains of.
//! The environment is in `go_env.rs`.

/// The log of the go command, for [`explained`].
const LOG: &str = "/tmp/go.log";

/// Files beside `.go` files that packages are compiled from, as `go help packages` and `go/build` list them.
const OTHER_SOURCES: &str = "*.{c,cc,cpp,cxx,f,F,f90,for,h,hh,hpp,hxx,m,s,S,swig,swigcxx,sx,syso}";

/// Patterns of the files that a module in `folder` is built from, as far as they can be told from their names.
pub(crate) fn module_files(folder: &str) -> Vec<String> {
    let inside = |name: &str| match folder.trim_matches('/') {
        "" | "." => name.to_owned(),
        folder => format!("{}/{name}", escaped(folder)),
    };
    ["**/*.go", &format!("**/{OTHER_SOURCES}"), "go.mod", "go.sum", "vendor/modules.txt"].map(inside).into()
}

/// A folder as a glob that matches nothing else.
fn escaped(folder: &str) -> String {
    folder.chars().map(|c| if "*?[]{}".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

/// A script that runs a go command. If it fails, lines that begin with `help:` say what to do about the recipe.
pub(crate) fn explained(command: &str) -> String {
    format!("{EXPLAIN}{command} 2>&1 | tee {LOG} || explain\n")
}

const EXPLAIN: &str = r#"explain() {
  code=$? log=$(</tmp/go.log)
  help() { echo "  help: $1" >&2; }
  if [[ $log =~ 'replacement directory '([^[:space:]]+)' does not exist' || $log =~ '(replaced by '([^\)]+)'): reading' ]]; then
    place=$(realpath -m --relative-to=/build "${BASH_REMATCH[1]}")
    case $place in
      ..|../*) help "\`${BASH_REMATCH[1]}\`, which go.mod names in a \`replace\`, lies outside of the source of this stage" ;;
      *) help "go.mod replaces a module by the folder \`$place\`, of which this stage sees no go.mod; if the source has it, add \"$place/**\" to \`include\`" ;;
    esac
  fi
  case $log in *'no matching files found'*) help 'the stage does not see the files that `//go:embed` names: add them to `include`, beside the default patterns of this kind' ;; esac
  case $log in *'requires go >= '*) help 'go in the sysroot is older than the module wants: take a newer one into `packages` of the sysroot, or lower the `go` line' ;; esac
  case $log in *'no required module provides package'*) help 'if the package is in the source, `include` or `exclude` of the stage hides it; if not, `go mod tidy` adds its module' ;; esac
  case $log in *'module lookup disabled by GOPROXY=off'*) help 'the module needs others: name a `go-vendor` stage of the same source and folder in `vendor`' ;; esac
  case $log in *'inconsistent vendoring'*) help 'the vendor folder was made from another go.mod: give both stages the same `source` and `folder`, and run `go mod tidy` upstream' ;; esac
  case $log in *'multiple packages to non-directory'*) help 'name one main package in `package`, such as "./cmd/server"' ;; esac
  case $log in *'no Go files in '*|*'directory not found'*) help 'check `folder` and `package` of the stage, and whether `include` hides the files' ;; esac
  exit $code
}
"#;
