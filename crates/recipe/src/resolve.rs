//! Recipe, overlay, lock and local trees become the plan. Knows how the parts fit together; what each
//! may say was checked where it was read. Reads the files that patches bring, and nothing else.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use akbuild_nar::Digest;

use crate::error::{Errors, RecipeError, RecipeErrors};
use crate::fields::Fields;
use crate::kinds::Kinds;
use crate::lock::{Lock, LockedOrigin, LockedSource, LockedSysroot};
use crate::merge::{Merged, SourceRequest, Want, fits, merge};
use crate::order::order;
use crate::overlay::Overlay;
use crate::pin_error::overlay_gaps;
use crate::plan::{
    DebPin, DebianSuites, Edit, Origin, Patch, Plan, PythonPin, Source, SourceId, Stage, StageId, Step, Subset,
    Sysroot, SysrootId, Tool, TreeRef,
};
use crate::plan_draft::PlanDraft;
use crate::stale::LockEntry;
use crate::suggest::{did_you_mean, list};
use crate::written::{GitRef, Written, WrittenEdit, WrittenPatch, WrittenSmoke, WrittenStage};
use crate::{layers, stale};

/// What of this machine stands in for what the recipe pins.
#[derive(Debug, Clone, Default)]
pub struct Local {
    /// The folder of each source that `--source NAME=PATH` replaces.
    pub sources: BTreeMap<SourceId, PathBuf>,
    /// Whether the machine's own programs replace all sysroots: `--toolchain host`.
    pub host: bool,
}

/// Makes the plan. `root` is the folder of the recipe file, absolute. All that is wrong is reported at
/// once: of each stage the first error, an overlay that does not fit, patches' files; if all of that is sound, all
/// entries of the lock that do not fit.
pub fn resolve(
    written: &Written,
    overlay: &Overlay,
    lock: &Lock,
    local: &Local,
    kinds: &dyn Kinds,
    root: &Path,
) -> Result<PlanDraft, RecipeErrors> {
    let plan = draft(written, overlay, lock, local, kinds, root)?;
    let mut errors = Errors::default();
    let gaps = overlay_gaps(written, overlay, lock);
    for gap in gaps.iter().filter(|gap| !local.sources.contains_key(&gap.id)) {
        errors.push(gap.error(None));
    }
    if errors.is_empty() {
        errors.keep(current(&merge(written, overlay), lock, local));
    }
    errors.end(Some(plan))
}

/// As [`resolve`], but the lock need not fit: a plan to look at and not to build, in which what is not pinned is missing.
pub fn draft(
    written: &Written,
    overlay: &Overlay,
    lock: &Lock,
    local: &Local,
    kinds: &dyn Kinds,
    root: &Path,
) -> Result<PlanDraft, RecipeErrors> {
    let mut errors = Errors::default();
    let stages = stages(written, kinds, &mut errors);
    if errors.is_empty() {
        errors.keep(smoke_image(written, &stages));
    }
    if let Err(misfits) = fits(written, overlay) {
        errors.extend(misfits);
    }
    let merged = merge(written, overlay);
    let patches = patches(&merged, root, &mut errors);
    for id in local.sources.keys().filter(|id| !written.sources.contains_key(*id)) {
        errors.push(unknown_local(written, id));
    }
    let sources = sources(&merged, lock, local, root, patches);
    let vars = written.vars().clone();
    let plan = Plan {
        name: vars.name,
        version: vars.version,
        prefix: vars.prefix,
        root: root.to_owned(),
        sources,
        sysroots: Vec::new(),
        tools: tools(&merged, lock),
        stages,
        targets: written.project.targets.iter().map(|(id, _)| id.clone()).collect(),
        smoke: written.smoke.as_ref().map(|written| written.smoke.clone()),
        python_pins: python(lock, overlay),
    };
    let sysroots = (!local.host).then(|| sysroots(&merged, lock, overlay));
    errors.end(Some(PlanDraft::new(plan, sysroots)))
}

fn unknown_local(written: &Written, id: &SourceId) -> RecipeError {
    let names = || written.scope.sources.iter();
    let near = did_you_mean(id.as_str(), names());
    let help = if near.is_empty() { format!("the recipe's sources are {}", list(names())) } else { near };
    RecipeError::new(format!("`--source` names `{id}`, which is no source of the recipe")).with_help(help)
}

/// Fails if the lock lacks something or has it for another request. What something of this machine stands for is
/// passed over.
fn current(merged: &Merged<'_>, lock: &Lock, local: &Local) -> Result<(), RecipeError> {
    let is_replaced = |entry: &LockEntry| match entry {
        LockEntry::Source(id) => local.sources.contains_key(id),
        LockEntry::Sysroot(_) => local.host,
        LockEntry::Tool(_) => false,
    };
    let stale: Vec<_> = stale::entries(merged, lock).into_iter().filter(|s| !is_replaced(&s.entry)).collect();
    if stale.is_empty() {
        return Ok(());
    }
    let headline =
        if *lock == Lock::default() { "there is no `akbuild.lock`" } else { "`akbuild.lock` is out of date" };
    let error = stale.iter().fold(RecipeError::new(headline), |e, s| e.with_note(s.to_string()));
    Err(error.with_help("run `akbuild lock`, look at the difference, and commit it"))
}

/// The stages in order; fewer if something is wrong.
fn stages(written: &Written, kinds: &dyn Kinds, errors: &mut Errors) -> Vec<Stage> {
    let before = written.stages.len();
    let made: Vec<Stage> = written.stages.iter().filter_map(|s| errors.keep(stage(written, s, kinds))).collect();
    if made.len() < before {
        return made;
    }
    let places: HashMap<&StageId, usize> = made.iter().enumerate().map(|(i, s)| (&s.id, i)).collect();
    let needs = |stage: &Stage| {
        let trees = stage.step.trees().into_iter();
        trees.filter_map(|t| if let TreeRef::Stage(id) = t { places.get(id).copied() } else { None }).collect()
    };
    let needs: Vec<Vec<usize>> = made.iter().map(needs).collect();
    match order(&needs) {
        Ok(order) => {
            let mut made: Vec<Option<Stage>> = made.into_iter().map(Some).collect();
            let ordered = order.into_iter().filter_map(|i| made[i].take()).collect();
            errors.keep(layers::expand(ordered, written)).unwrap_or_default()
        }
        Err(cycle) => {
            let names: Vec<&str> = cycle.iter().map(|i| made[*i].id.as_str()).collect();
            let place = &written.stages[cycle[0]].place;
            let error = RecipeError::new(format!("dependency cycle: {}", names.join(" -> ")));
            let label = format!("needs `{}`", names[1]);
            let help = "each stage reads the output of the next: take one of these inputs away";
            errors.push(error.at(&written.file, place.span).with_label(label).with_help(help));
            Vec::new()
        }
    }
}

fn stage(written: &Written, stage: &WrittenStage, kinds: &dyn Kinds) -> Result<Stage, RecipeError> {
    let mut fields = Fields::of_stage(&stage.table, stage.place.span, stage.id.as_str(), &written.scope);
    let kind = match fields.has("kind") {
        true => fields.string("kind")?,
        false => return Err(fields.missing("kind").with_help(kinds_help(kinds))),
    };
    let weight = fields.int_or("weight", 1, 1..=1024)?;
    let output_hash = fields.hash("output_hash")?;
    let Some(made) = kinds.step(&kind, &mut fields) else {
        let near = did_you_mean(&kind, kinds.names());
        let error = fields.error("kind", format!("no stage kind `{kind}`"), near);
        return Err(error.with_help(kinds_help(kinds)));
    };
    let (kind_version, kind, step) = made?;
    let at = fields.at();
    fields.finish()?;
    let weight = u32::try_from(weight).unwrap_or(1);
    Ok(Stage { id: stage.id.clone(), kind, kind_version, step, weight, output_hash, at })
}

/// Fails if what `[smoke]` starts is no image.
fn smoke_image(written: &Written, stages: &[Stage]) -> Result<(), RecipeError> {
    let Some(WrittenSmoke { smoke, place }) = &written.smoke else { return Ok(()) };
    let images: Vec<&Stage> = stages.iter().filter(|stage| matches!(stage.step, Step::Image(_))).collect();
    if images.iter().any(|stage| stage.id == smoke.image) {
        return Ok(());
    }
    let help = match list(images.iter().map(|stage| stage.id.as_str())) {
        none if none.is_empty() => {
            "the recipe has no image: add a stage of the kind `image`, and name it here".to_owned()
        }
        images => format!("images are {images}"),
    };
    let error = RecipeError::new(format!("stage `{}`, which `[smoke]` starts, makes no image", smoke.image));
    Err(error.at(&place.file, place.span).with_help(help))
}

fn kinds_help(kinds: &dyn Kinds) -> String {
    format!("stage kinds are {}", list(kinds.names()))
}

fn patches(merged: &Merged<'_>, root: &Path, errors: &mut Errors) -> BTreeMap<SourceId, Vec<Patch>> {
    let mut all: BTreeMap<SourceId, Vec<Patch>> = BTreeMap::new();
    for patch in &merged.patches {
        if let Some(made) = errors.keep(patch_of(patch, root)) {
            all.entry(patch.source.clone()).or_default().push(made);
        }
    }
    all
}

fn patch_of(patch: &WrittenPatch, root: &Path) -> Result<Patch, RecipeError> {
    let edit = match &patch.edit {
        WrittenEdit::Replace { from, to } => Edit::Replace { from: from.clone(), to: to.clone() },
        WrittenEdit::With(path) => {
            let path = root.join(path);
            let bytes = std::fs::read(&path).map_err(|problem| {
                RecipeError::new(format!("cannot read `{}`, which a patch puts in a source", path.display()))
                    .at(&patch.place.file, patch.place.span)
                    .with_note(problem.to_string())
                    .with_help("`with` is relative to the folder of the file that it is written in")
            })?;
            Edit::With { path, digest: Digest::sha256(&bytes) }
        }
    };
    let why = patch.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    Ok(Patch { file: patch.file.clone(), edit, at: format!("{}{why}", patch.place.at()) })
}

fn sources(
    merged: &Merged<'_>,
    lock: &Lock,
    local: &Local,
    root: &Path,
    mut patches: BTreeMap<SourceId, Vec<Patch>>,
) -> Vec<Source> {
    let mut all = Vec::new();
    for (id, request) in &merged.sources {
        let patches = patches.remove(id).unwrap_or_default();
        if let Some(path) = local.sources.get(id) {
            let (origin, subset) = (Origin::Path(path.clone()), Subset::default());
            all.push(Source { id: id.clone(), origin, subset, hash: None, replaced: true, patches });
            continue;
        }
        let Some((origin, subset)) = origin(request, lock.sources.get(id), root) else { continue };
        let locked = lock.sources.get(id).filter(|_| !matches!(request.want, Want::Path { .. }));
        let hash = request.hash.or(locked.map(|l| l.hash));
        all.push(Source { id: id.clone(), origin, subset, hash, replaced: false, patches });
    }
    all
}

/// Nothing if a pin is missing: the lock is out of date then, which is an error already.
fn origin(request: &SourceRequest, locked: Option<&LockedSource>, root: &Path) -> Option<(Origin, Subset)> {
    let urls = request.urls.clone();
    let locked = locked.map(|l| &l.origin);
    let origin = match &request.want {
        Want::Git { reference, commit } => {
            let commit = match (commit, locked) {
                (Some(commit), _) => commit.clone(),
                (None, Some(LockedOrigin::Git { commit, .. })) => commit.clone(),
                (None, _) => return None,
            };
            let reference = match reference {
                _ if request.by_commit => None,
                GitRef::Tag(text) | GitRef::Branch(text) => Some(text.clone()),
                GitRef::Rev(_) => None,
            };
            let urls = urls.into_iter().map(|address| address.url).collect();
            Origin::Git { urls, reference, commit }
        }
        Want::Tarball { digest } => match (digest, locked) {
            (Some(digest), _) => Origin::Tarball { urls, digest: *digest },
            (None, Some(LockedOrigin::Tarball { digest, .. })) => Origin::Tarball { urls, digest: *digest },
            (None, _) => return None,
        },
        Want::Path { path, subset } => {
            let path = root.join(path).components().collect();
            return Some((Origin::Path(path), subset.clone()));
        }
    };
    Some((origin, Subset::default()))
}

fn sysroots(merged: &Merged<'_>, lock: &Lock, overlay: &Overlay) -> Vec<Sysroot> {
    let mut debs: Vec<DebPin> = lock.debs.clone();
    debs.retain(|d| !overlay.debs.iter().any(|o| o.name == d.name));
    debs.extend(overlay.debs.iter().cloned());
    debs.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let within = |id: &str| debs.iter().filter(|d| d.sysroots.iter().any(|s| s == id)).cloned().collect();
    let suites = |locked: &LockedSysroot| DebianSuites {
        suites: locked.suites.clone(),
        components: locked.components.clone(),
        architecture: locked.architecture.clone(),
    };
    let sysroot = |id: &SysrootId| Sysroot {
        id: id.clone(),
        packages: within(id.as_str()),
        host: None,
        suites: lock.sysroots.get(id).map(suites),
    };
    merged.sysroots.iter().map(|s| sysroot(&s.id)).collect()
}

fn tools(merged: &Merged<'_>, lock: &Lock) -> Vec<Tool> {
    let package = |(id, (_, pin)): (&_, &(_, Option<&_>))| {
        let package = pin.cloned().or_else(|| lock.tools.get(id).map(|t| t.package.clone()))?;
        Some(Tool { id: Clone::clone(id), package })
    };
    merged.tools.iter().filter_map(package).collect()
}

/// The lock's, without those that the overlay has a pin of the same name for, and the overlay's; sorted.
fn python(lock: &Lock, overlay: &Overlay) -> Vec<PythonPin> {
    let kept = lock.python.iter().filter(|p| !overlay.python.iter().any(|o| o.name == p.name));
    let mut all: Vec<PythonPin> = kept.chain(&overlay.python).cloned().collect();
    all.sort();
    all
}
