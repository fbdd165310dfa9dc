//! An attempt to lock: its steps, in order. Must not depend on files of the project; the host writes them.

use akbuild_engine::NodeId;
use akbuild_recipe::plan::{DebPin, SourceId, Sysroot, SysrootId};
use akbuild_recipe::{Lock, LockInputs, LockedSource, Overlay, RecipeErrors, SourceRequest, ToolRequest};

use crate::input::{LockInput, LockStep};
use crate::{LockError, LockEvent, LockHost, build_requirements, source_pin, sysroot_pins, tool_pin};

/// A lock on its way.
pub struct LockAttempt<'a> {
    input: LockInput<'a>,
    lock: Lock,
    done: usize,
}

impl<'a> LockAttempt<'a> {
    /// An attempt that begins with the pins of `lock`.
    pub fn new(input: LockInput<'a>, lock: Lock) -> Self {
        Self { input, lock, done: 0 }
    }

    /// The lock, as far as it is resolved: what is left is as it was.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The steps that are not complete.
    pub fn open_steps(&self) -> &'static [LockStep] {
        &LockStep::ALL[self.done..]
    }

    /// Takes all steps, and has the host save the lock after each.
    ///
    /// # Errors
    /// The recipe is wrong, something cannot be fetched or resolved, or the host fails. The attempt then holds the pins
    /// of complete steps, and of those sources that were pinned before the failure.
    pub fn resolve<H: LockHost>(&mut self, host: &mut H) -> Result<(), H::Error> {
        let input = self.input;
        let mut inputs = akbuild_recipe::lock_inputs(input.written, input.overlay).map_err(LockError::from)?;
        inputs.debian.iter_mut().for_each(|debian| debian.allow_expired |= input.allow_expired);
        input.draft(&self.lock).map_err(LockError::from)?;
        self.fill_gaps(host)?;
        self.prune(&inputs)?;
        self.pin_sources(host, &inputs)?;
        self.complete(host)?;
        self.inspect(host, &inputs)?;
        sysroot_pins::lock(host, &input, &inputs, &mut self.lock)?;
        self.complete(host)?;
        self.pin_tools(host, &inputs)?;
        self.complete(host)?;
        self.lock.python = build_requirements::pins(host, &input, &self.lock)?;
        self.complete(host)
    }

    fn complete<H: LockHost>(&mut self, host: &mut H) -> Result<(), H::Error> {
        self.done += 1;
        host.save(&self.lock, self.open_steps())
    }

    /// Fetches sources of which an overlay pins a part only, to say what is missing.
    fn fill_gaps<H: LockHost>(&self, host: &H) -> Result<(), H::Error> {
        let gaps = akbuild_recipe::overlay_gaps(self.input.written, self.input.overlay, &self.lock);
        let mut errors = Vec::new();
        for gap in gaps.iter().filter(|gap| !self.input.local.sources.contains_key(&gap.id)) {
            host.event(LockEvent::OverlaySource(&gap.id));
            let found = source_pin::pin(host, &self.input, &gap.id, &gap.request)?;
            errors.push(gap.error(Some(found.hash)));
        }
        if errors.is_empty() { Ok(()) } else { Err(LockError::from(RecipeErrors(errors)).into()) }
    }

    /// Removes pins that the recipe does not need any more. The lock is shared and the overlay is not, so pins that the
    /// overlay replaces stay as the recipe alone has them.
    fn prune(&mut self, inputs: &LockInputs) -> Result<(), LockError> {
        let alone = akbuild_recipe::lock_inputs(self.input.written, &Overlay::default())?;
        let is_own = |id: &SourceId, pin: &LockedSource| {
            alone.sources.get(id).is_some_and(|request| akbuild_recipe::pin_fits(request, pin))
        };
        self.lock.sources.retain(|id, pin| inputs.sources.contains_key(id) || is_own(id, pin));
        let wanted = |tools: &[ToolRequest], id: &_| tools.iter().any(|tool| tool.id == *id);
        let same = |id: &_, spec: &_| alone.tools.iter().any(|tool| tool.id == *id && tool.spec == *spec);
        self.lock.tools.retain(|id, pin| wanted(&inputs.tools, id) || same(id, &pin.spec));
        let is_there = |id: &str| inputs.sysroots.iter().any(|sysroot| sysroot.id.as_str() == id);
        self.lock.sysroots.retain(|id, _| is_there(id.as_str()));
        sysroot_pins::drop_sysroots(&mut self.lock.debs, |id| !is_there(id));
        Ok(())
    }

    fn pin_sources<H: LockHost>(&mut self, host: &H, inputs: &LockInputs) -> Result<(), H::Error> {
        let fits = |lock: &Lock, id: &SourceId, request: &SourceRequest| {
            lock.sources.get(id).is_some_and(|pin| akbuild_recipe::pin_fits(request, pin))
        };
        for (id, request) in &inputs.sources {
            if self.input.renewed.sources || !fits(&self.lock, id, request) {
                host.event(LockEvent::Source(id));
                let pin = source_pin::pin(host, &self.input, id, request)?;
                self.lock.sources.insert(id.clone(), pin);
            }
        }
        Ok(())
    }

    /// Says everything that is wrong with stages and that sources alone show, before it takes long.
    fn inspect<H: LockHost>(&self, host: &H, inputs: &LockInputs) -> Result<(), H::Error> {
        let draft = self.input.draft(&self.lock).map_err(LockError::from)?;
        // Which wheels a sysroot can use depends on its C library. The newest one there may ever be finds no fault where
        // there is none.
        let pinned = draft.pinned_sysroots().unwrap_or_default();
        let known = |id: &SysrootId| pinned.iter().find(|s| s.id == *id && !s.packages.is_empty()).cloned();
        let assumed = |id: &SysrootId| Sysroot { id: id.clone(), packages: newest_libc(id), host: None, suites: None };
        let sysroots = inputs.sysroots.iter().map(|s| known(&s.id).unwrap_or_else(|| assumed(&s.id))).collect();
        let context = host.context(draft.with_sysroots(sysroots))?;
        let needed = build_requirements::stages(&context.plan.stages);
        let found = context.runtime.block_on(akbuild_engine::inspect_sources(&context, &needed));
        let found = found.map_err(LockError::from)?;
        let stages: Vec<NodeId> = context.plan.stages.iter().map(|stage| NodeId::Stage(stage.id.clone())).collect();
        let nodes = stages.iter().chain(found.outputs.keys());
        let idle = akbuild_engine::idle_patterns(&context, nodes, &found.outputs).map_err(LockError::from)?;
        found.warnings.iter().chain(&idle).for_each(|warning| host.event(LockEvent::Warning(warning)));
        Ok(())
    }

    fn pin_tools<H: LockHost>(&mut self, host: &H, inputs: &LockInputs) -> Result<(), H::Error> {
        let fits = |tool: &ToolRequest| self.lock.tools.get(&tool.id).is_some_and(|pin| pin.spec == tool.spec);
        let open = inputs.tools.iter().filter(|tool| self.input.renewed.tools || !fits(tool));
        let open: Vec<ToolRequest> = open.cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let context = host.context(self.input.bare_plan(&self.lock))?;
        // Where no registry is configured, the clients of a sysroot are asked, so sysroots must be there first.
        if context.network.needs_sysroot().map_err(LockError::from)? {
            context.runtime.block_on(akbuild_engine::make_sysroots(&context)).map_err(LockError::from)?;
        }
        for tool in &open {
            host.event(LockEvent::Tool { id: &tool.id, spec: &tool.spec });
            self.lock.tools.insert(tool.id.clone(), tool_pin::pin(&context, tool)?);
        }
        Ok(())
    }
}

/// A pin that stands for the C library of a sysroot that is not resolved yet.
fn newest_libc(id: &SysrootId) -> Vec<DebPin> {
    let pin = || {
        Some(DebPin {
            name: "libc6".parse().ok()?,
            version: "2.999".parse().ok()?,
            path: "pool/libc6.deb".parse().ok()?,
            digest: akbuild_nar::Digest::sha256(b""),
            size: 0,
            sysroots: vec![id.to_string()],
        })
    };
    pin().into_iter().collect()
}
