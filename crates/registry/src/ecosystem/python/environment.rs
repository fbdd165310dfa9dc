//! What markers are evaluated against: the variables of CPython on Linux, and how they compare. Knows no package.

use std::collections::BTreeMap;

use akbuild_names::Version;

use super::condition::{Condition, ConditionTable};

/// One interpreter on one machine.
#[derive(Clone, Debug)]
pub(super) struct MarkerEnvironment {
    variables: BTreeMap<&'static str, String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MarkerOperand {
    Text(String),
    Variable(String),
}

impl MarkerOperand {
    fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Variable(name) if name == wanted)
    }

    /// Whether it is compared as a version.
    fn is_version(&self) -> bool {
        ["python_version", "python_full_version", "implementation_version"].iter().any(|name| self.is(name))
    }
}

/// The names of PEP 345, which uv still reads.
fn current_name(name: &str) -> &str {
    match name {
        "os.name" => "os_name",
        "sys.platform" => "sys_platform",
        "platform.machine" => "platform_machine",
        "platform.version" => "platform_version",
        "platform.python_implementation" | "python_implementation" => "platform_python_implementation",
        other => other,
    }
}

impl MarkerEnvironment {
    /// CPython of this full version (`3.14.2`) on this machine (`x86_64`).
    pub(super) fn new(full_version: &str, machine: &str) -> Self {
        let short: Vec<&str> = full_version.splitn(3, '.').take(2).collect();
        let variables = [
            ("os_name", "posix"),
            ("sys_platform", "linux"),
            ("platform_machine", machine),
            ("platform_system", "Linux"),
            ("platform_python_implementation", "CPython"),
            ("implementation_name", "cpython"),
            ("implementation_version", full_version),
            ("python_full_version", full_version),
            ("python_version", &short.join(".")),
        ];
        Self { variables: variables.map(|(name, value)| (name, value.to_owned())).into() }
    }

    /// The condition under which a comparison holds here.
    pub(super) fn compare(
        &self,
        left: &MarkerOperand,
        operator: &str,
        right: &MarkerOperand,
        table: &mut ConditionTable,
    ) -> Result<Condition, String> {
        match (left, right) {
            _ if left.is("extra") => chosen(right, operator, table),
            _ if right.is("extra") => chosen(left, operator, table),
            (MarkerOperand::Text(name), _) if right.is("extras") => contained(name, operator, "extras", table),
            (MarkerOperand::Text(_), _) if right.is("dependency_groups") => match operator {
                // uv has no groups there outside of `pylock.toml`.
                "in" => Ok(Condition::NEVER),
                "not in" => Ok(Condition::ALWAYS),
                _ => Err(format!("`{operator} dependency_groups` means nothing")),
            },
            // The kernel that the build will run on is not known, so the comparison may hold.
            _ if [left, right].iter().any(|side| side.is("platform_release") || side.is("platform_version")) => {
                Ok(Condition::ALWAYS)
            }
            _ => {
                let holds = self.compare_values(left, operator, right)?;
                Ok(if holds { Condition::ALWAYS } else { Condition::NEVER })
            }
        }
    }

    fn compare_values(&self, left: &MarkerOperand, operator: &str, right: &MarkerOperand) -> Result<bool, String> {
        let value = |operand: &MarkerOperand| match operand {
            MarkerOperand::Text(text) => Ok(text.clone()),
            MarkerOperand::Variable(name) => {
                self.variables.get(current_name(name)).cloned().ok_or_else(|| format!("unknown variable `{name}`"))
            }
        };
        let (a, b) = (value(left)?, value(right)?);
        match operator {
            "in" | "not in" if left.is_version() => Ok(lists(&b, &a) == (operator == "in")),
            "in" => Ok(b.contains(&a)),
            "not in" => Ok(!b.contains(&a)),
            _ if left.is_version() => compare_versions(&a, operator, &b),
            _ if right.is_version() => compare_versions(&b, mirrored(operator), &a),
            _ => compare_texts(&a, operator, &b),
        }
    }
}

/// `extra == 'name'`: among extras are also the names that uv makes of the items of conflicts.
fn chosen(name: &MarkerOperand, operator: &str, table: &mut ConditionTable) -> Result<Condition, String> {
    let MarkerOperand::Text(name) = name else { return Err("`extra` is compared with a variable".to_owned()) };
    let name = akbuild_names::normalise(name);
    match operator {
        "==" => Ok(table.chosen(&name)),
        "!=" => Ok(table.not_chosen(&name)),
        _ => Err(format!("`extra {operator}` means nothing")),
    }
}

/// `'name' in extras`.
fn contained(name: &str, operator: &str, variable: &str, table: &mut ConditionTable) -> Result<Condition, String> {
    let name = akbuild_names::normalise(name);
    match operator {
        "in" => Ok(table.chosen(&name)),
        "not in" => Ok(table.not_chosen(&name)),
        _ => Err(format!("`{operator} {variable}` means nothing")),
    }
}

/// Whether a list of versions, as in `python_version in '3.9 3.10'`, has a version.
fn lists(list: &str, version: &str) -> bool {
    let version = version.parse::<Version>();
    list.split([' ', '\t', ',', '|']).any(|listed| match (&version, listed.parse::<Version>()) {
        (Ok(version), Ok(listed)) => *version == listed,
        _ => false,
    })
}

fn compare_versions(a: &str, operator: &str, b: &str) -> Result<bool, String> {
    let version: Version = a.parse()?;
    version.satisfies(operator, b).ok_or_else(|| format!("`{operator} {b}` is not a version specifier"))
}

fn compare_texts(a: &str, operator: &str, b: &str) -> Result<bool, String> {
    Ok(match operator {
        "==" | "===" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        _ => return Err(format!("`{operator}` does not compare texts")),
    })
}

fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}
