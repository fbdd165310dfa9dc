//! What is told of checks: which files differ, and how. Pure text.

use akbuild_differ::Difference;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::StageId;

use super::escape::escape_line;
use super::paint::Paint;
use super::units::{count, digest};

/// So many files are told of.
const SHOWN: usize = 20;

/// What the check of a stage has found.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// Which stage.
    pub(crate) stage: StageId,
    /// The stored output.
    pub(crate) stored: TreeHash,
    /// The output of the check.
    pub(crate) found: TreeHash,
    /// Files in either, if they differ.
    pub(crate) files: usize,
    /// What is not the same in both, sorted by path.
    pub(crate) differing: Vec<Differing>,
}

/// Something that is not the same in both outputs.
#[derive(Clone, Debug)]
pub(crate) struct Differing {
    /// Where, and what became of it in the check.
    pub(crate) difference: Difference,
    /// How the contents differ, if that was looked at.
    pub(crate) lines: Vec<String>,
}

impl Checked {
    /// Whether both outputs are the same tree.
    pub(crate) fn is_equal(&self) -> bool {
        self.stored == self.found
    }

    /// Different paths among what differs: a file can have other contents and another mode.
    fn paths(&self) -> usize {
        let same = self.differing.windows(2).filter(|two| two[0].difference.path == two[1].difference.path).count();
        self.differing.len() - same
    }
}

/// How an output differs from the stored one; nothing if it does not.
pub(crate) fn block(checked: &Checked, paint: Paint) -> Option<String> {
    if checked.is_equal() {
        return None;
    }
    let (stage, differ) = (&checked.stage, checked.paths());
    let verb = if differ == 1 { "differs" } else { "differ" };
    let head = format!("{stage}: {differ} of {} {verb}", count(checked.files, "file"));
    let mut text = format!("{} {head}\n", paint.red("differs"));
    for differing in checked.differing.iter().take(SHOWN) {
        let Difference { path, change } = &differing.difference;
        text += &format!("  {}: {change}\n", escape_line(&path.to_string_lossy()));
        text.extend(differing.lines.iter().map(|line| format!("    {} {}\n", paint.dim("|"), escape_line(line))));
    }
    if checked.differing.len() > SHOWN {
        text += &format!("  and {} more\n", checked.differing.len() - SHOWN);
    }
    text += &format!("  stored {}\n   found {}\n", checked.stored, checked.found);
    let (stored, found) = (digest(&checked.stored), digest(&checked.found));
    text += &format!("  help: see all of it with `akbuild cache diff {stored} {found}`;\n");
    text += "        the usual causes are dates, random names, and an order that nobody settles\n";
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::checked_stage;
    use super::*;

    #[test]
    fn what_differs_is_shown_without_what_a_terminal_would_obey() {
        insta::assert_snapshot!(block(&checked_stage(), Paint(false)).unwrap(), @r"
        differs webui: 1 of 640 files differs
          dist/\u001b[1mpage: other contents, 9 B -> 1.2 kB
            | text: 1 line added
            | +\u001b[2J
          stored sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=
           found sha256-CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=
          help: see all of it with `akbuild cache diff sha256-BwcHBwcHBw... sha256-CAgICAgICA...`;
                the usual causes are dates, random names, and an order that nobody settles
        ");
    }

    #[test]
    fn what_is_equal_has_no_block() {
        let equal = checked_stage();
        assert!(block(&Checked { found: equal.stored, ..equal }, Paint(false)).is_none());
    }

    #[test]
    fn a_file_with_two_changes_is_one_file() {
        let mut checked = checked_stage();
        checked.differing.push(checked.differing[0].clone());
        assert_eq!(checked.paths(), 1);
        checked.differing.extend(vec![checked.differing[0].clone(); 19]);
        let block = block(&checked, Paint(false)).unwrap();
        assert!(
            block.contains("differs webui: 1 of 640 files differs\n") && block.contains("\n  and 1 more\n"),
            "{block}"
        );
    }
}
