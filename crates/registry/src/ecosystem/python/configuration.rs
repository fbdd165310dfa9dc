//! uv's and pip's configuration. Knows their variables and files and the order they go in: uv before pip.

use std::path::PathBuf;

use akbuild_names::Ecosystem;
use toml_span::{ErrorKind, Value};

use crate::client::configuration::{ClientConfiguration, ConfiguredRegistries, RegistryClient, one_address};
use crate::client::error::ConfigurationError;
use crate::client::ini;
use crate::client::machine::{Machine, read_optional};

pub(crate) const CLIENT: ClientConfiguration = ClientConfiguration {
    ecosystem: Ecosystem::Python,
    read,
    split: one_address,
    client: Some(RegistryClient {
        label: "Python's client",
        program: "python3",
        command: "python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)'",
        debian_env: "PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) ",
    }),
};

impl ConfiguredRegistries {
    fn index(&mut self, text: &str, from: &str) {
        self.default.get_or_insert((text.trim().to_owned(), from.to_owned()));
    }

    fn extras(&mut self, list: &str, from: &str) {
        let named = list.split_whitespace().map(bare);
        self.extra.extend(named.map(|text| (text.to_owned(), from.to_owned())));
    }
}

/// uv lets an address be named: `name=https://...`.
fn bare(text: &str) -> &str {
    match text.split_once('=') {
        Some((name, url)) if !name.contains([':', '/']) => url,
        _ => text,
    }
}

fn read(machine: &Machine) -> Result<ConfiguredRegistries, ConfigurationError> {
    let mut python = ConfiguredRegistries::default();
    for name in ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"] {
        if let Some(value) = machine.env(name) {
            python.index(bare(value.trim()), name);
        }
    }
    for name in ["UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"] {
        if let Some(value) = machine.env(name) {
            python.extras(value, name);
        }
    }
    for (path, shown) in uv_files(machine) {
        if let Some(text) = read_optional(&path)? {
            uv_toml(&text, &shown, &mut python)?;
        }
    }
    for (path, shown) in pip_files(machine) {
        if let Some(text) = read_optional(&path)? {
            pip_conf(&text, &shown, &mut python)?;
        }
    }
    Ok(python)
}

fn uv_files(machine: &Machine) -> Vec<(PathBuf, String)> {
    if let Some(file) = machine.env("UV_CONFIG_FILE") {
        return vec![(PathBuf::from(file), file.to_owned())];
    }
    let mut files = vec![(machine.project.join("uv.toml"), "uv.toml".to_owned())];
    files.extend(machine.config_home().map(|c| (c.join("uv/uv.toml"), "~/.config/uv/uv.toml".to_owned())));
    files.push((machine.etc.join("uv/uv.toml"), "/etc/uv/uv.toml".to_owned()));
    files
}

fn pip_files(machine: &Machine) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    files.extend(machine.env("PIP_CONFIG_FILE").map(|f| (PathBuf::from(f), f.to_owned())));
    files.extend(machine.config_home().map(|c| (c.join("pip/pip.conf"), "~/.config/pip/pip.conf".to_owned())));
    files.extend(machine.home.as_ref().map(|h| (h.join(".pip/pip.conf"), "~/.pip/pip.conf".to_owned())));
    files.push((machine.etc.join("pip.conf"), "/etc/pip.conf".to_owned()));
    files.push((machine.etc.join("xdg/pip/pip.conf"), "/etc/xdg/pip/pip.conf".to_owned()));
    files
}

fn uv_toml(text: &str, file: &str, python: &mut ConfiguredRegistries) -> Result<(), ConfigurationError> {
    let root = toml_span::parse(text).map_err(|error| ConfigurationError::Syntax {
        file: file.to_owned(),
        line: line_of(text, error.span.start),
        expected: format!("TOML ({})", problem(&error)),
    })?;
    let wrong = |value: &Value<'_>, expected: &str| ConfigurationError::Syntax {
        file: file.to_owned(),
        line: line_of(text, value.span.start),
        expected: expected.to_owned(),
    };
    let address =
        |value: &Value<'_>| value.as_str().map(str::to_owned).ok_or_else(|| wrong(value, "an address in quotes"));
    if let Some(indexes) = root.pointer("/index") {
        let list = indexes.as_array().ok_or_else(|| wrong(indexes, "`[[index]]` tables"))?;
        for index in list {
            let url = index.pointer("/url").ok_or_else(|| wrong(index, "`url` in `[[index]]`"))?;
            let flag = |name: &str| index.pointer(name).and_then(Value::as_bool).unwrap_or(false);
            match (flag("/default"), flag("/explicit")) {
                (true, _) => python.index(&address(url)?, file),
                (false, false) => python.extras(&address(url)?, file),
                (false, true) => {}
            }
        }
    }
    for key in ["/index-url", "/pip/index-url"] {
        if let Some(url) = root.pointer(key) {
            python.index(&address(url)?, file);
        }
    }
    if let Some(list) = root.pointer("/extra-index-url") {
        for url in list.as_array().ok_or_else(|| wrong(list, "a list of addresses"))? {
            python.extras(&address(url)?, file);
        }
    }
    Ok(())
}

/// What is wrong, without keys of the file: one may be an address.
fn problem(error: &toml_span::Error) -> String {
    match &error.kind {
        ErrorKind::DuplicateKey { .. } => "a key that is given twice".to_owned(),
        ErrorKind::DuplicateTable { .. } => "a table that is defined twice".to_owned(),
        _ => error.to_string(),
    }
}

fn pip_conf(text: &str, file: &str, python: &mut ConfiguredRegistries) -> Result<(), ConfigurationError> {
    let settings = ini::parse(text).map_err(|line| ConfigurationError::Syntax {
        file: file.to_owned(),
        line,
        expected: "`key = value`, a comment or a `[section]`".to_owned(),
    })?;
    for wanted in ["install", "download", "global"] {
        for setting in settings.iter().filter(|s| s.section == wanted) {
            match setting.key.replace('_', "-").as_str() {
                "index-url" => python.index(&setting.value, file),
                "extra-index-url" => python.extras(&setting.value, file),
                _ => {}
            }
        }
    }
    Ok(())
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}
