//! Where an image is pushed to, with its words in braces filled in. They are known before anything is built, so that
//! whoever builds can know the tag first.

use std::path::Path;

use akbuild_fetch::git_head;
use akbuild_recipe::PlanDraft;
use akbuild_recipe::plan::{Origin, Source, SourceId, StageId};

use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::session::Session;

/// Fills in `{git}` (the commit of the repository that the recipe is in), `{git:SOURCE}` (that of a source) and `{key}` (the
/// hash of everything that goes in), each with `:N` at its end for its first N characters. `{name}`, `{version}` and
/// `{prefix}` are as everywhere in the recipe.
pub(super) fn fill(session: &Session, project: &Project, stage: &StageId, template: &str) -> Outcome<String> {
    let draft = project.plan()?;
    let value = |word: &str| value(session, project, &draft, stage, template, word);
    let expanded = project.written.vars().expand(template);
    let (mut out, mut rest) = (String::new(), expanded.as_str());
    while let Some((before, after)) = rest.split_once('{') {
        let Some((word, after)) = after.split_once('}') else {
            return Err(bad(template, "a `{` has no `}`"));
        };
        out.push_str(before);
        out.push_str(&value(word)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(
    session: &Session,
    project: &Project,
    draft: &PlanDraft,
    stage: &StageId,
    template: &str,
    word: &str,
) -> Outcome<String> {
    let parts: Vec<&str> = word.split(':').collect();
    let (parts, length) = match parts.split_last() {
        Some((last, before)) if !before.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) => {
            (before, last.parse().ok().filter(|n| (1..=64).contains(n)))
        }
        _ => (&parts[..], Some(64)),
    };
    let Some(length) = length else { return Err(bad(template, &format!("`{{{word}}}` has a bad length"))) };
    let whole = match parts {
        ["git"] => own_commit(session, &project.root, template)?,
        ["git", source] => commit(draft.sources(), source, template)?,
        ["key"] => {
            let options = session.options(None, Vec::new());
            let context = session.look(project, draft.clone(), options, std::slice::from_ref(stage))?;
            akbuild_engine::input_key(&context, stage)?.hex()
        }
        _ => return Err(bad(template, &format!("`{{{word}}}` means nothing"))),
    };
    Ok(whole.chars().take(length).collect())
}

/// The commit of the repository that the recipe is in.
fn own_commit(session: &Session, root: &Path, template: &str) -> Outcome<String> {
    let problem = |problem: &str| {
        let help = "commit the recipe to a git repository, or write another tag with `--push REF`";
        Failure::Say(format!("`{template}` asks for the recipe's commit, and {problem}\n  help: {help}"))
    };
    match git_head(root) {
        Ok(Some(head)) => {
            if head.changed {
                let commit: String = head.commit.chars().take(12).collect();
                let what = format!(
                    "the recipe's folder has changes that commit {commit} does not have; its tag will say otherwise"
                );
                session.ui.warn(&what);
            }
            Ok(head.commit)
        }
        Ok(None) => Err(problem(&format!("`{}` is in no git repository", root.display()))),
        Err(error) => Err(problem(&format!("git says: {error}"))),
    }
}

/// The commit of a source.
fn commit(sources: &[Source], source: &str, template: &str) -> Outcome<String> {
    let found = sources.iter().find(|s| s.id == SourceId::new(source));
    match found.map(|source| &source.origin) {
        Some(Origin::Git { commit, .. }) => Ok(commit.clone()),
        Some(_) => Err(bad(template, &format!("source `{source}` is no git repository, and has no commit"))),
        None => Err(bad(template, &format!("there is no source `{source}`"))),
    }
}

fn bad(template: &str, problem: &str) -> Failure {
    let help = "words are {name}, {version}, {git}, {git:SOURCE} and {key}; `:7` at the end of the last three takes 7 characters";
    Failure::Say(format!("`{template}` is no place to push to: {problem}\n  help: {help}"))
}
