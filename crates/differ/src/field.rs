//! A named value of a header that differs. Knows nothing of the header it is from.

use serde::Serialize;

use crate::room::Room;

/// A value of a header, before and now, as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// What it is: `time`, `file name`.
    pub name: &'static str,
    /// The value before.
    pub old: String,
    /// The value now.
    pub new: String,
}

/// The fields of two headers that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields {
    /// In the order of the header.
    pub fields: Vec<Field>,
    /// Whether there is room for the line that says them.
    #[serde(skip)]
    shown: bool,
}

impl Fields {
    /// Of two headers that have the same fields in the same order.
    pub(crate) fn differing<const N: usize>(
        names: [&'static str; N],
        old: [String; N],
        new: [String; N],
        room: &mut Room,
    ) -> Self {
        let pairs = names.into_iter().zip(old.into_iter().zip(new));
        let fields: Vec<_> =
            pairs.filter(|(_, (old, new))| old != new).map(|(name, (old, new))| Field { name, old, new }).collect();
        let shown = !fields.is_empty() && room.take(1) == 1;
        Self { fields, shown }
    }

    /// `header: time 2026-01-01 00:00:00 -> 2026-01-01 00:00:02`, of all with commas between.
    pub(crate) fn lines(&self, header: &str, out: &mut Vec<String>) {
        if self.shown {
            let each = |f: &Field| format!("{} {} -> {}", f.name, f.old, f.new);
            out.push(format!("{header}{}", self.fields.iter().map(each).collect::<Vec<_>>().join(", ")));
        }
    }
}
