//! How the difference of two archives is said. Knows the wording; not how it was found.

use super::{ArchiveDiff, Format, Metadata, Names};
use crate::words::{count, list, size};

impl ArchiveDiff {
    pub(crate) fn headline(&self) -> String {
        let format = match self.format {
            Format::Zip => "zip",
            Format::Tar => "tar",
        };
        let also = self.also();
        let also = list(&also);
        if self.changed + self.added.count + self.removed.count > 0 {
            let also = if also.is_empty() { also } else { format!("; of members that both have also {also}") };
            return format!("{format}: {}{also}", self.counts());
        }
        match (self.metadata.as_slice(), &self.order) {
            ([], None) => format!("{format}: the same members; what lies between them differs"),
            ([only], None) => format!("{format}: members are the same but for their {also}: {}", example(only)),
            _ => format!("{format}: members are the same but for their {also}"),
        }
    }

    /// Whether nothing differs but one aspect of members: the headline says it all.
    fn only_one_aspect(&self) -> bool {
        let members = self.changed + self.added.count + self.removed.count;
        members == 0 && self.order.is_none() && self.metadata.len() == 1
    }

    /// `2 of 40 members differ, 1 added`
    fn counts(&self) -> String {
        let mut counts = Vec::new();
        if self.changed > 0 {
            let all = count(self.old_members.max(self.new_members), "member");
            let differ = if self.changed == 1 { "differs" } else { "differ" };
            counts.push(format!("{} of {all} {differ}", self.changed));
        }
        for (names, what) in [(&self.added, "added"), (&self.removed, "removed")] {
            if names.count > 0 {
                counts.push(format!("{} {what}", count(names.count, "member")));
            }
        }
        counts.join(", ")
    }

    /// What differs besides contents.
    fn also(&self) -> Vec<&'static str> {
        let aspects = self.metadata.iter().map(|m| m.aspect.plural());
        aspects.chain(self.order.iter().map(|_| "order")).collect()
    }

    pub(crate) fn details(&self, out: &mut Vec<String>) {
        for (names, what) in [(&self.added, "added"), (&self.removed, "removed")] {
            if !names.first.is_empty() {
                out.push(format!("{what}: {}", named(names)));
            }
        }
        let order = self.order.iter().map(|o| format!("order: where `{}` was, `{}` is", o.old, o.new));
        let metadata = self.metadata.iter().map(|m| format!("{}: {}", m.aspect.plural(), example(m)));
        if !self.only_one_aspect() {
            out.extend(order.chain(metadata).take(self.said));
        }
        for member in &self.contents {
            let sizes = || format!("{} -> {}, not looked into", size(member.old_size), size(member.new_size));
            out.push(format!("`{}`: {}", member.member, member.how.as_ref().map_or_else(sizes, |h| h.headline())));
            let inner = member.how.iter().flat_map(|how| how.lines());
            out.extend(inner.map(|line| format!("  {line}")));
        }
        if let Some(around) = &self.around {
            out.push(around.headline());
            around.details(out);
        }
    }
}

/// `META-INF/MANIFEST.MF 2026-01-01 00:00:02 -> 2026-01-01 00:00:04, and 7 more`
fn example(metadata: &Metadata) -> String {
    let more = match metadata.count - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{} {} -> {}{more}", metadata.member, metadata.old, metadata.new)
}

fn named(names: &Names) -> String {
    let more = match names.count - names.first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.first.join(", "))
}
