//! What a run wrote, with everything replaced that is different each time.

/// Replaces `from` by `to`, times by `[TIME]`, sizes of what is taken from this machine by `[SIZE]` and
/// `[OUTPUT]`, the archive's key by `[KEY]`, and gaps between columns by two spaces.
pub(crate) fn normal(text: &str, names: &[(String, &str)]) -> String {
    let text = names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        format!("{}{}", &line[..indent], columns(&words(&line[indent..])))
    });
    lines.map(|line| scratch(line.trim_end()) + "\n").collect()
}

/// Word by word.
fn words(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_number = |word: &str| word.parse::<f64>().is_ok() && word.contains('.');
    let mut text = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let unit = words.get(at + 1).copied().unwrap_or_default();
        let end = unit.strip_prefix('s').filter(|end| matches!(*end, "" | ":" | ","));
        if let (true, Some(end)) = (is_number(words[at]), end) {
            text.push(format!("[TIME]{end}"));
            at += 1;
        } else if words[at].parse::<u64>().is_ok()
            && matches!(unit, "s" | "min")
            && words.get(at + 2).is_some_and(|w| w.starts_with("ago"))
        {
            text.push("[AGE]".to_owned());
            at += 1;
        } else if is_number(words[at]) && matches!(unit, "MB" | "MB,") {
            text.push(unit.replace("MB", "[SIZE]"));
            at += 1;
        } else if words[at].starts_with("sha256-") && line.contains("sysroot:") {
            text.push("[OUTPUT]".to_owned());
        } else if words[at].len() == 40 && words[at].bytes().all(|c| c.is_ascii_hexdigit()) {
            text.push("[KEY]".to_owned());
        } else {
            text.push(words[at].to_owned());
        }
        at += 1;
    }
    text.join(" ")
}

/// Widths of columns follow from what stands in them: any gap becomes two spaces.
fn columns(line: &str) -> String {
    let mut parts = line.split("  ").map(str::trim).filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}  {part}"))
}

/// Names of builds and of scratch folders have times and process ids in them.
fn scratch(line: &str) -> String {
    ["builds-v1/", "tmp-v1/", "kept-v1/"].into_iter().fold(line.to_owned(), |line, bucket| {
        let Some((before, after)) = line.split_once(bucket) else { return line };
        let rest = after.find(['/', '`', ' ', ':']).map_or("", |at| &after[at..]);
        format!("{before}{bucket}[NAME]{rest}")
    })
}

#[test]
fn what_varies_is_replaced() {
    let names = [("/tmp/x1".to_owned(), "[HOME]")];
    let text = "a   built     0.1 s    12 B\n    log: /tmp/x1/builds-v1/12-3-x/a.log\nfailed after 12.0 s: 1.0 x\n";
    insta::assert_snapshot!(normal(text, &names), @"
    a  built  [TIME]  12 B
        log: [HOME]/builds-v1/[NAME]/a.log
    failed after [TIME]: 1.0 x
    ");
}
