//! docs/config.md, generated from the tables of keys.

use crate::table::{Action, ConfFile, Key, Rule, Section};
use crate::{ClientConf, HttpConf, ModFastdfsConf, Severity, StorageConf, TrackerConf};

/// The text of docs/config.md.
#[must_use]
pub fn config_md() -> String {
    let mut out = String::from(HEAD);
    file::<TrackerConf>(&mut out);
    file::<StorageConf>(&mut out);
    file::<ClientConf>(&mut out);
    file::<ModFastdfsConf>(&mut out);
    file::<HttpConf>(&mut out);
    out.push_str(TAIL);
    out
}

/// The names of the keys of tracker.conf and storage.conf, as they are documented.
#[must_use]
pub fn server_keys() -> [Vec<&'static str>; 2] {
    fn names<C: ConfFile>() -> Vec<&'static str> {
        C::keys().iter().map(|key| key.name).collect()
    }
    [names::<TrackerConf>(), names::<StorageConf>()]
}

const HEAD: &str = include_str!("docs/head.md");
const TAIL: &str = include_str!("docs/tail.md");

fn file<C: ConfFile>(out: &mut String) {
    let keys = C::keys();
    out.push_str(&format!("\n## {}\n", C::KIND));
    for (section, title) in [
        (Section::Global, ""),
        (Section::ErrorLog, "In `[error-log]`, else before any section:"),
        (Section::AccessLogOnly, "In `[access-log]`:"),
        (Section::AccessLog, "In `[access-log]`, else before any section:"),
        (Section::Groups, "In `[group1]` to `[groupN]`, with group_count:"),
    ] {
        let mut rows = keys.iter().filter(|key| key.section == section && !is_ignored(key)).peekable();
        if rows.peek().is_none() {
            continue;
        }
        if !title.is_empty() {
            out.push_str(&format!("\n{title}\n"));
        }
        out.push_str("\n| key | type | default | sample | allowed | otherwise | since | meaning |\n");
        out.push_str("|---|---|---|---|---|---|---|---|\n");
        rows.for_each(|key| row(out, key));
    }
    let ignored: Vec<String> = keys
        .iter()
        .filter(|key| matches!(key.rule, Rule::Ignored { is_noted: true }))
        .map(|key| code(key.name))
        .collect();
    if !ignored.is_empty() {
        out.push_str(&format!("\nHistoric keys, ignored: {}.\n", ignored.join(", ")));
    }
}

const fn is_ignored<C>(key: &Key<C>) -> bool {
    matches!(key.rule, Rule::Ignored { .. })
}

fn row<C>(out: &mut String, key: &Key<C>) {
    let name = code(&key.name.replace("%d", "N"));
    let default = key.default_text();
    let sample = key.sample.filter(|sample| *sample != default).map(code).unwrap_or_default();
    let cells = [
        name,
        type_text(key).to_owned(),
        if default.is_empty() { String::new() } else { code(&default) },
        sample,
        // Every truth value is read by the same rule, which stands above the tables.
        if matches!(key.rule, Rule::Bool { .. }) { "true, false".to_owned() } else { key.allowed_text() },
        otherwise(key),
        key.since.to_owned(),
        match key.rule {
            Rule::Span { unit: "s", .. } => format!("seconds {}", key.doc),
            Rule::Span { .. } => format!("milliseconds {}", key.doc),
            _ => key.doc.to_owned(),
        },
    ];
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// The type of a key's value, for people.
const fn type_text<C>(key: &Key<C>) -> &'static str {
    match key.rule {
        Rule::Bool { .. } => "bool",
        Rule::Count { .. } => "count",
        Rule::Span { unit, .. } => unit,
        Rule::Int { .. } | Rule::Choice { .. } => "number",
        Rule::Bytes { .. } => "bytes",
        Rule::Time { .. } => "time",
        Rule::Text { .. } => "text",
        Rule::Path { .. } => "path",
        Rule::Word { .. } => "word",
        Rule::Custom { kind, .. } => kind,
        Rule::Ignored { .. } => "",
    }
}

/// What happens to a value that is not allowed, for people.
fn otherwise<C>(key: &Key<C>) -> String {
    if !key.otherwise.is_empty() {
        return key.otherwise.to_owned();
    }
    match key.rule {
        Rule::Bool { .. } => "false".to_owned(),
        Rule::Count { .. } | Rule::Span { .. } => ends(key),
        Rule::Choice { other, .. } | Rule::Word { other, .. } => action(other),
        Rule::Bytes { .. } => match key.limits.negative {
            Action::Refuse(_) => format!("no size: refused (22); {}", ends(key)),
            _ => format!("no size: refused (22); negative: default; {}", ends(key)),
        }
        .trim_end_matches("; ")
        .to_owned(),
        Rule::Time { .. } => "refused (22)".to_owned(),
        Rule::Int { .. } | Rule::Text { .. } | Rule::Path { .. } | Rule::Custom { .. } | Rule::Ignored { .. } => {
            String::new()
        }
    }
}

/// What happens at the ends of a range.
fn ends<C>(key: &Key<C>) -> String {
    let limits = key.limits;
    let is_open = limits.high >= i64::from(i32::MAX);
    match (limits.below == limits.above, is_open) {
        (true, _) => action(limits.below),
        (false, true) => action(limits.below),
        (false, false) => format!("below: {}; above: {}", action(limits.below), action(limits.above)),
    }
}

fn action(action: Action) -> String {
    match action {
        Action::Refuse(status) => format!("refused ({})", status.0),
        Action::UseDefault(Severity::Note) => "default".to_owned(),
        Action::UseDefault(_) => "default, with a warning".to_owned(),
        Action::Clamp(Severity::Note) => "nearest".to_owned(),
        Action::Clamp(_) => "nearest, with a warning".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_is_up_to_date() {
        let hint = "run: cargo run -p fdfs-conf --example config-md > docs/config.md";
        assert!(super::config_md() == include_str!("../../../docs/config.md"), "docs/config.md is old; {hint}");
    }
}
