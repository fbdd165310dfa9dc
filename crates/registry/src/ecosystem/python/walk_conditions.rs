//! The markers of one walk: the condition of each marker in one environment, and the extras, groups and projects that are
//! active so far. Knows packages by name only.

use std::collections::{BTreeSet, HashMap};

use akbuild_names::normalise;

use super::condition::{Condition, ConditionTable};
use super::dependency::Dependency;
use super::environment::MarkerEnvironment;
use super::manifest::ConflictItem;
use super::marker::condition;

/// The conditions of one walk, and what is active in it.
pub(super) struct WalkConditions<'a> {
    environment: MarkerEnvironment,
    pub(super) table: ConditionTable,
    markers: HashMap<&'a str, Condition>,
    /// The items that are active, by their names in markers.
    active: BTreeSet<String>,
    /// The extras among them, in uv's order.
    active_extras: BTreeSet<(&'a str, String)>,
}

impl<'a> WalkConditions<'a> {
    pub(super) fn new(environment: MarkerEnvironment) -> Self {
        Self {
            environment,
            table: ConditionTable::default(),
            markers: HashMap::new(),
            active: BTreeSet::new(),
            active_extras: BTreeSet::new(),
        }
    }

    /// The condition of a marker here.
    ///
    /// # Errors
    /// It is not a marker.
    pub(super) fn of(&mut self, marker: Option<&'a str>) -> Result<Condition, String> {
        let Some(marker) = marker else { return Ok(Condition::ALWAYS) };
        if let Some(found) = self.markers.get(marker) {
            return Ok(*found);
        }
        let found = condition(marker, &self.environment, &mut self.table)?;
        self.markers.insert(marker, found);
        Ok(found)
    }

    /// Whether a condition holds with what is active.
    pub(super) fn holds(&self, condition: Condition) -> bool {
        self.table.holds(condition, &self.active)
    }

    /// Whether a condition holds with what is active and the extras that the dependency itself activates.
    pub(super) fn holds_with(&self, condition: Condition, dependency: &Dependency) -> bool {
        if dependency.extras.is_empty() {
            return self.holds(condition);
        }
        let own = dependency.extras.iter().map(|extra| extra_name(&dependency.name, extra));
        self.table.holds(condition, &self.active.iter().cloned().chain(own).collect())
    }

    /// Whether a condition holds with nothing active, as for the markers of forks.
    pub(super) fn holds_alone(&self, condition: Condition) -> bool {
        self.table.holds(condition, &BTreeSet::new())
    }

    pub(super) fn activate(&mut self, item: &ConflictItem) {
        self.active.insert(item.marker_name());
    }

    pub(super) fn activate_extra(&mut self, package: &'a str, extra: &str) {
        self.active.insert(extra_name(package, extra));
        self.active_extras.insert((package, normalise(extra)));
    }

    /// The active extras that are items of a conflict, as uv writes them.
    pub(super) fn active_extras_of(&self, conflict: &BTreeSet<ConflictItem>) -> Vec<String> {
        let active = self.active_extras.iter();
        let items = active.filter(|(package, extra)| conflict.contains(&ConflictItem::extra(package, extra)));
        items.map(|(package, extra)| format!("`{package}[{extra}]`")).collect()
    }
}

fn extra_name(package: &str, extra: &str) -> String {
    ConflictItem::extra(package, &normalise(extra)).marker_name()
}
