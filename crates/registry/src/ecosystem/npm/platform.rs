//! The machine that npm installs for, and which packages exclude it. Knows nothing of this machine.

use serde_json::Value;

/// A platform in the words of Node: `process.platform`, `process.arch`, and the C library's family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// `x64`, `arm64`.
    pub cpu: String,
    /// `glibc`, `musl`.
    pub libc: String,
}

impl Platform {
    /// Linux on this processor (Node's name of it) with the GNU C library.
    pub fn linux_glibc(cpu: &str) -> Self {
        Self { os: "linux".to_owned(), cpu: cpu.to_owned(), libc: "glibc".to_owned() }
    }

    /// Whether the `os`, `cpu` and `libc` fields of a package allow this platform, by npm's rule:
    /// no negated entry names it, and some other entry does unless all are negated.
    pub fn allowed(&self, package: &Value) -> bool {
        [("os", &self.os), ("cpu", &self.cpu), ("libc", &self.libc)]
            .iter()
            .all(|(field, value)| package.get(*field).is_none_or(|list| allows(list, value)))
    }
}

fn allows(list: &Value, value: &str) -> bool {
    let entries: Vec<&str> = match list {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return true,
    };
    if entries == ["any"] {
        return true;
    }
    let (negated, named): (Vec<&str>, Vec<&str>) = entries.iter().partition(|e| e.starts_with('!'));
    !negated.iter().any(|e| &e[1..] == value) && (named.is_empty() || named.contains(&value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn follows_npms_rule() {
        let here = Platform::linux_glibc("x64");
        let allowed = |package| here.allowed(&package);
        assert!(allowed(json!({})));
        assert!(allowed(json!({"os": ["linux"], "cpu": ["arm64", "x64"], "libc": ["glibc"]})));
        assert!(allowed(json!({"os": "linux"})));
        assert!(allowed(json!({"os": ["any"]})));
        assert!(allowed(json!({"os": ["!win32"]})));
        assert!(allowed(json!({"os": []})));
        assert!(!allowed(json!({"os": ["!linux"]})));
        assert!(!allowed(json!({"os": ["darwin", "win32"]})));
        assert!(!allowed(json!({"os": ["linux"], "libc": ["musl"]})));
        assert!(!allowed(json!({"cpu": ["wasm32"]})));
    }
}
