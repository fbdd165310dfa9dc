//! Files of `key = value` lines, as npm, pip and go have them. Knows lines and sections, no keys.

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The section it stands in; empty before the first.
    pub(crate) section: String,
    pub(crate) key: String,
    /// Lines that begin with a blank go on with the value above them.
    pub(crate) value: String,
}

/// Parses a file. The error is the number of a line that is no setting, comment or section.
pub(crate) fn parse(text: &str) -> Result<Vec<Setting>, usize> {
    let mut section = String::new();
    let mut settings: Vec<Setting> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[') {
            section = name.strip_suffix(']').ok_or(number + 1)?.trim().to_owned();
        } else if let (true, Some(last)) = (line.starts_with([' ', '\t']), settings.last_mut())
            && !trimmed.contains(" = ")
        {
            last.value = format!("{} {trimmed}", last.value).trim().to_owned();
        } else if let Some((key, value)) = trimmed.split_once('=') {
            settings.push(Setting {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: unquoted(value.trim()).to_owned(),
            });
        } else {
            settings.push(Setting { section: section.clone(), key: trimmed.to_owned(), value: String::new() });
        }
    }
    Ok(settings)
}

fn unquoted(text: &str) -> &str {
    let inner = |q: char| text.strip_prefix(q).and_then(|t| t.strip_suffix(q));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
