//! Names of wheels (PEP 427), and which of them an interpreter takes and prefers (PEP 425, 600).
//! Knows CPython on Linux with the GNU C library; knows no package.

use std::collections::HashMap;

use akbuild_names::Version;

/// The tags that an interpreter takes, the best first.
#[derive(Clone, Debug)]
pub struct Tags {
    /// Position in the list of preference, by tag.
    order: HashMap<(String, String, String), usize>,
    python: (u64, u64),
}

/// The parts of a wheel's file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelName {
    /// The project's name, normalised.
    pub name: String,
    /// The version.
    pub version: String,
    /// The build tag: its number, then the rest.
    pub build: Option<(u64, String)>,
    pythons: Vec<String>,
    abis: Vec<String>,
    platforms: Vec<String>,
}

impl Tags {
    /// CPython `python` (`(3, 14)`) on a machine (`x86_64`) with this version of the GNU C library.
    /// The order is the one in which uv prefers wheels: an exact ABI before the stable one, a newer
    /// manylinux before an older one, any binary before none.
    pub fn cpython(python: (u64, u64), glibc: (u64, u64), machine: &str) -> Self {
        let (major, minor) = python;
        let cp = format!("cp{major}{minor}");
        let platforms = platforms(glibc, machine);
        let mut all: Vec<(String, String, String)> = Vec::new();
        let mut add = |python: &str, abi: &str, platforms: &[String]| {
            all.extend(platforms.iter().map(|p| (python.to_owned(), abi.to_owned(), p.clone())));
        };
        add(&cp, &cp, &platforms);
        for older in (2..=minor).rev() {
            add(&format!("cp{major}{older}"), "abi3", &platforms);
            if older == minor {
                add(&cp, "none", &platforms);
            }
        }
        let any = ["any".to_owned()];
        for platforms in [platforms.as_slice(), &any] {
            if platforms == any {
                add(&cp, "none", platforms);
            }
            for older in (0..=minor).rev() {
                add(&format!("py{major}{older}"), "none", platforms);
                if older == minor {
                    add(&format!("py{major}"), "none", platforms);
                }
            }
        }
        let mut order = HashMap::with_capacity(all.len());
        for (position, tag) in all.into_iter().enumerate() {
            order.entry(tag).or_insert(position);
        }
        Self { order, python }
    }

    /// The interpreter's version.
    pub fn python(&self) -> (u64, u64) {
        self.python
    }

    /// How far down the list of preference a wheel stands; `None`: it does not fit. Less is better.
    pub fn position(&self, wheel: &WheelName) -> Option<usize> {
        let mut best = None;
        for python in &wheel.pythons {
            for abi in &wheel.abis {
                for platform in &wheel.platforms {
                    let found = self.order.get(&(python.clone(), abi.clone(), platform.clone())).copied();
                    best = [best, found].into_iter().flatten().min();
                }
            }
        }
        best
    }

    /// Of several wheels, the place of the one that the interpreter prefers; of equals the one with
    /// the higher build tag. Names that are not those of wheels never fit.
    pub fn best<'a>(&self, files: impl Iterator<Item = &'a str>) -> Option<usize> {
        files
            .enumerate()
            .filter_map(|(n, file)| {
                let wheel = WheelName::parse(file)?;
                Some((std::cmp::Reverse(self.position(&wheel)?), wheel.build, std::cmp::Reverse(n)))
            })
            .max()
            .map(|(_, _, n)| n.0)
    }
}

/// Platform tags, the best first: the perennial manylinux tags down to the oldest that the machine
/// has, each followed by its legacy name, then plain `linux`.
fn platforms((major, minor): (u64, u64), machine: &str) -> Vec<String> {
    let oldest = if matches!(machine, "x86_64" | "i686") { 5 } else { 17 };
    let mut all = Vec::new();
    for minor in (oldest..=minor).rev() {
        all.push(format!("manylinux_{major}_{minor}_{machine}"));
        match minor {
            17 => all.push(format!("manylinux2014_{machine}")),
            12 => all.push(format!("manylinux2010_{machine}")),
            5 => all.push(format!("manylinux1_{machine}")),
            _ => {}
        }
    }
    all.push(format!("linux_{machine}"));
    all
}

impl WheelName {
    /// Takes a file name apart; `None`: it is not a wheel's.
    pub fn parse(file: &str) -> Option<Self> {
        let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
        let (name, version, build, tags) = match parts[..] {
            [name, version, a, b, c] => (name, version, None, [a, b, c]),
            [name, version, build, a, b, c] => (name, version, Some(build), [a, b, c]),
            _ => return None,
        };
        if name.is_empty() || version.parse::<Version>().is_err() {
            return None;
        }
        let build = match build {
            Some(text) => {
                let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
                Some((text[..digits].parse().ok()?, text[digits..].to_owned()))
            }
            None => None,
        };
        let [pythons, abis, platforms] = tags.map(|set| set.split('.').map(str::to_owned).collect());
        Some(Self {
            name: akbuild_names::normalise(name),
            version: version.to_owned(),
            build,
            pythons,
            abis,
            platforms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(files: &[&'a str]) -> Option<&'a str> {
        Tags::cpython((3, 14), (2, 41), "x86_64").best(files.iter().copied()).map(|n| files[n])
    }

    #[test]
    fn prefers_what_uv_prefers() {
        // Each of these is preferred to all that follow it.
        let order = [
            "a-1-cp314-cp314-manylinux_2_41_x86_64.whl",
            "a-1-cp314-cp314-manylinux_2_28_x86_64.whl",
            "a-1-2-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "a-1-1b-cp314-cp314-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
            "a-1-cp314-cp314-manylinux_2_17_x86_64.whl",
            "a-1-cp314-cp314-manylinux2014_x86_64.whl",
            "a-1-cp314-cp314-linux_x86_64.whl",
            "a-1-cp314-abi3-manylinux2014_x86_64.whl",
            "a-1-cp314-none-manylinux2014_x86_64.whl",
            "a-1-cp37-abi3-manylinux_2_28_x86_64.whl",
            "a-1-cp36-abi3-manylinux_2_28_x86_64.whl",
            "a-1-py314-none-manylinux2014_x86_64.whl",
            "a-1-py2.py3-none-manylinux1_x86_64.whl",
            "a-1-py37-none-manylinux1_x86_64.whl",
            "a-1-cp314-none-any.whl",
            "a-1-py3-none-any.whl",
            "a-1-py30-none-any.whl",
        ];
        for n in 0..order.len() {
            let mut rest: Vec<&str> = order[n..].to_vec();
            assert_eq!(best(&rest), Some(order[n]));
            rest.reverse();
            assert_eq!(best(&rest), Some(order[n]), "whatever the order of the files");
        }
    }

    #[test]
    fn passes_over_what_does_not_fit() {
        for file in [
            "a-1-cp314-cp314t-manylinux_2_28_x86_64.whl",
            "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
            "a-1-cp315-abi3-manylinux_2_28_x86_64.whl",
            "a-1-cp314-cp314-musllinux_1_2_x86_64.whl",
            "a-1-cp314-cp314-manylinux_2_42_x86_64.whl",
            "a-1-cp314-cp314-manylinux_2_28_aarch64.whl",
            "a-1-cp314-cp314-macosx_11_0_arm64.whl",
            "a-1-py2-none-any.whl",
            "a-1.tar.gz",
            "a-1-py3-none.whl",
            "a-1-x-py3-none-any.whl",
            "a-one-py3-none-any.whl",
            "-1-py3-none-any.whl",
            "a-1-cp314-abi3-musllinux_1_2_x86_64.whl",
            "a-1-cp314t-cp314t-manylinux_2_28_x86_64.whl",
            "a-1-cp38-cp38-any.whl",
        ] {
            assert_eq!(best(&[file]), None, "{file}");
        }
    }
}
