//! Which program stands behind a name like `awk` or `cc`: of what the packages offer, the one of the
//! highest priority, as update-alternatives(1) chooses in its automatic mode.

use std::collections::BTreeMap;
use std::path::Path;

use crate::SysrootError;
use crate::root::Root;
use crate::script::Alternative;

/// Makes the links; returns each name with what it leads to. `offers` are in the packages' order, which
/// decides between equal priorities.
pub(crate) fn install(root: &Root, offers: Vec<Alternative>) -> Result<BTreeMap<String, String>, SysrootError> {
    let mut best: BTreeMap<String, Alternative> = BTreeMap::new();
    for offer in offers.into_iter().filter(|o| o.path.starts_with('/') && root.exists(&o.path)) {
        match best.get(&offer.name) {
            Some(held) if held.priority >= offer.priority => {}
            _ => drop(best.insert(offer.name.clone(), offer)),
        }
    }
    let mut made = BTreeMap::new();
    for (name, choice) in best {
        make(root, &choice.link, &name, &choice.path)?;
        for [link, name, path] in choice.slaves.iter().filter(|s| root.exists(&s[2])) {
            make(root, link, name, path)?;
        }
        made.insert(name, choice.path);
    }
    Ok(made)
}

fn make(root: &Root, link: &str, name: &str, path: &str) -> Result<(), SysrootError> {
    if name.contains('/') || !link.starts_with('/') || root.occupied(link) {
        return Ok(());
    }
    let choice = Path::new("/etc/alternatives").join(name);
    root.link(&choice, path)?;
    root.link(link, &choice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::alternatives;

    #[test]
    fn highest_priority_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        for file in ["usr/bin/mawk", "usr/bin/gawk"] {
            root.write(file, b"").unwrap();
        }
        let offers = alternatives(
            "update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5\nupdate-alternatives --install /usr/bin/awk awk /usr/bin/none 50\nupdate-alternatives --install /usr/bin/awk awk /usr/bin/gawk 10 --slave /usr/bin/nawk nawk /usr/bin/gawk --slave /m m /none\n",
        );
        let made = install(&root, offers).unwrap();
        assert_eq!(made["awk"], "/usr/bin/gawk");
        assert_eq!(root.resolve("/usr/bin/awk").unwrap(), Path::new("usr/bin/gawk"));
        assert_eq!(root.resolve("/usr/bin/nawk").unwrap(), Path::new("usr/bin/gawk"));
        assert!(!root.occupied("/m"));
    }
}
