//! Boolean functions of the extras, groups and projects that uv writes into markers.
//!
//! Each function has exactly one [`Condition`] (a reduced ordered decision diagram), so that two of them are equal
//! exactly if they hold for the same choices. The walk depends on this: it follows a package again only if the
//! condition under which the package is reached has changed. Knows no marker and no package.

use std::collections::{BTreeSet, HashMap};

/// So many decisions are kept at most. Real locks need a few hundred; a lock that is made to explode ends here.
const LIMIT: usize = 1 << 18;

/// One function, as the place of its first decision in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Condition(u32);

impl Condition {
    pub(super) const NEVER: Self = Self(0);
    pub(super) const ALWAYS: Self = Self(1);
}

/// "If `item` is chosen, `with` decides, else `without` does."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ItemDecision {
    item: u32,
    with: Condition,
    without: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Connective {
    And,
    Or,
}

/// All conditions of one walk.
#[derive(Debug, Default)]
pub(super) struct ConditionTable {
    /// Condition `n` is at `n - 2`.
    decisions: Vec<ItemDecision>,
    places: HashMap<ItemDecision, Condition>,
    combined: HashMap<(Connective, Condition, Condition), Condition>,
    items: Vec<String>,
    numbers: HashMap<String, u32>,
    overflowed: bool,
}

impl ConditionTable {
    /// Holds exactly if an item is chosen.
    pub(super) fn chosen(&mut self, item: &str) -> Condition {
        let item = self.number(item);
        self.decision(ItemDecision { item, with: Condition::ALWAYS, without: Condition::NEVER })
    }

    /// Holds exactly if an item is not chosen.
    pub(super) fn not_chosen(&mut self, item: &str) -> Condition {
        let item = self.number(item);
        self.decision(ItemDecision { item, with: Condition::NEVER, without: Condition::ALWAYS })
    }

    pub(super) fn and(&mut self, a: Condition, b: Condition) -> Condition {
        match (a, b) {
            (Condition::NEVER, _) | (_, Condition::NEVER) => Condition::NEVER,
            (Condition::ALWAYS, other) | (other, Condition::ALWAYS) => other,
            _ => self.combine(Connective::And, a, b),
        }
    }

    pub(super) fn or(&mut self, a: Condition, b: Condition) -> Condition {
        match (a, b) {
            (Condition::ALWAYS, _) | (_, Condition::ALWAYS) => Condition::ALWAYS,
            (Condition::NEVER, other) | (other, Condition::NEVER) => other,
            _ => self.combine(Connective::Or, a, b),
        }
    }

    /// Whether a condition holds with these items chosen, and no others.
    pub(super) fn holds(&self, condition: Condition, chosen: &BTreeSet<String>) -> bool {
        let mut at = condition;
        while let Some(decision) = self.at(at) {
            at = if chosen.contains(&self.items[decision.item as usize]) { decision.with } else { decision.without };
        }
        at == Condition::ALWAYS
    }

    /// Whether so many conditions came up that later ones are not right.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }

    fn at(&self, condition: Condition) -> Option<ItemDecision> {
        self.decisions.get((condition.0 as usize).checked_sub(2)?).copied()
    }

    fn number(&mut self, item: &str) -> u32 {
        if let Some(number) = self.numbers.get(item) {
            return *number;
        }
        let number = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.items.push(item.to_owned());
        self.numbers.insert(item.to_owned(), number);
        number
    }

    fn decision(&mut self, decision: ItemDecision) -> Condition {
        if decision.with == decision.without {
            return decision.with;
        }
        if let Some(place) = self.places.get(&decision) {
            return *place;
        }
        if self.decisions.len() >= LIMIT {
            self.overflowed = true;
            return Condition::NEVER;
        }
        self.decisions.push(decision);
        let place = Condition(u32::try_from(self.decisions.len() + 1).unwrap_or(u32::MAX));
        self.places.insert(decision, place);
        place
    }

    /// Both have a decision: the constants are dealt with before. The depth is that of the number of items, which
    /// [`Self::decision`] does not bound: a condition of very many items is an overflow too.
    fn combine(&mut self, connective: Connective, a: Condition, b: Condition) -> Condition {
        let key = (connective, a.min_of(b), a.max_of(b));
        if let Some(found) = self.combined.get(&key) {
            return *found;
        }
        let (Some(first), Some(second)) = (self.at(a), self.at(b)) else { return Condition::NEVER };
        let item = first.item.min(second.item);
        if self.overflowed || self.items.len() > 4096 {
            self.overflowed = true;
            return Condition::NEVER;
        }
        let side = |decision: ItemDecision, whole: Condition, with: bool| match decision.item == item {
            true if with => decision.with,
            true => decision.without,
            false => whole,
        };
        let mut half = |with: bool| {
            let (a, b) = (side(first, a, with), side(second, b, with));
            match connective {
                Connective::And => self.and(a, b),
                Connective::Or => self.or(a, b),
            }
        };
        let (with, without) = (half(true), half(false));
        let found = self.decision(ItemDecision { item, with, without });
        self.combined.insert(key, found);
        found
    }
}

impl Condition {
    fn min_of(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    fn max_of(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_functions_are_one_condition() {
        let mut table = ConditionTable::default();
        let (a, b, not_a) = (table.chosen("a"), table.chosen("b"), table.not_chosen("a"));
        let (both, either) = (table.and(a, b), table.or(b, a));
        assert_eq!(table.and(a, either), a, "absorption");
        assert_eq!(table.or(a, both), a, "absorption");
        assert_eq!(table.and(a, not_a), Condition::NEVER);
        assert_eq!(table.or(a, not_a), Condition::ALWAYS);
        let left = table.or(not_a, both);
        assert_eq!(left, table.or(not_a, b));
        assert!(!table.overflowed());
    }

    #[test]
    fn holds_for_the_items_that_are_chosen() {
        let mut table = ConditionTable::default();
        let (a, not_b) = (table.chosen("a"), table.not_chosen("b"));
        let condition = table.and(a, not_b);
        let holds = |items: &[&str]| table.holds(condition, &items.iter().map(|item| (*item).to_owned()).collect());
        assert!(holds(&["a"]) && holds(&["a", "c"]));
        assert!(!holds(&[]) && !holds(&["a", "b"]) && !holds(&["b"]));
    }

    #[test]
    fn a_condition_that_explodes_is_an_overflow() {
        let mut table = ConditionTable::default();
        // The first halves of all pairs come before the second halves: each pair doubles the decisions.
        let first: Vec<_> = (0..40).map(|n| table.chosen(&format!("a{n}"))).collect();
        let mut all = Condition::NEVER;
        for (n, first) in first.into_iter().enumerate() {
            let second = table.chosen(&format!("b{n}"));
            let pair = table.and(first, second);
            all = table.or(all, pair);
        }
        assert!(table.overflowed());
    }
}
