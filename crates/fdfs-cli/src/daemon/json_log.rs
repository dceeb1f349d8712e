//! A log of JSON objects on standard error, one a line, for collectors: `{"time","level","message"}`.

use std::io::{self, Write as _};

use fdfs_log::{Level, LogSink, Timestamp};
use serde_json::json;

/// Writes the objects.
#[derive(Debug, Default)]
pub(super) struct JsonSink;

impl LogSink for JsonSink {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        // A closed stderr is nobody's business.
        let _ = io::stderr().lock().write_all(line(at, level, text).as_bytes());
    }
}

fn line(at: Timestamp, level: Level, text: &str) -> String {
    let level = level.label().to_ascii_lowercase();
    format!("{}\n", json!({ "time": format!("{at:.3}"), "level": level, "message": text }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_object_whatever_the_text() {
        let at = "2026-11-20T09:05:07.9Z".parse().unwrap();
        let text = line(at, Level::Warning, "a \"b\"\n\u{1b}[31m");
        assert!(text.ends_with("}\n") && text.matches('\n').count() == 1, "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["time"], "2026-11-20T09:05:07.900Z");
        assert_eq!((&value["level"], &value["message"]), (&"warning".into(), &"a \"b\"\n\u{1b}[31m".into()));
    }
}
