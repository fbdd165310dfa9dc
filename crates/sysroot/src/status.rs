//! dpkg's database, as far as `dpkg -l`, `dpkg -s` and tools that list a root's packages read it. Without
//! times; nothing says when the root was made.

use crate::SysrootError;
use crate::deb::Deb;
use crate::root::Root;

/// Writes `/var/lib/dpkg/status` from the control files, in the packages' order.
pub(crate) fn write(root: &Root, debs: &[Deb]) -> Result<(), SysrootError> {
    let mut status = String::new();
    for deb in debs {
        let text = deb.control_text.trim_end();
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        status.push_str(&format!("{first}\nStatus: install ok installed\n{rest}\n\n"));
    }
    root.write("var/lib/dpkg/status", status.as_bytes())?;
    root.write("var/lib/dpkg/available", b"")?;
    root.make_dir("var/lib/dpkg/info")
}
