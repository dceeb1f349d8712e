//! What the configuration says to this program.

use fdfs_conf::{Report as Checked, Severity as ConfSeverity};

use super::report::Report;
use fdfs_watch::findings::Severity;

/// Takes over the findings of `fdfs conf check`.
pub(super) fn look(checked: &Checked, report: &mut Report) {
    report.fact(format!("{}: a {}", checked.path, checked.kind.file_name()));
    for finding in &checked.findings {
        let (severity, advice) = match finding.severity {
            ConfSeverity::Error => (Severity::Error, "mend it; this program would not start"),
            ConfSeverity::Warning => (Severity::Warning, "see docs/config.md for the key"),
            ConfSeverity::Note => (Severity::Note, "nothing, if that is what you want"),
        };
        let place = match finding.line {
            0 => finding.file.to_string(),
            line => format!("{}:{line}", finding.file),
        };
        let key = if finding.key.is_empty() { String::new() } else { format!("{}: ", finding.key) };
        let allowed = if finding.allowed.is_empty() { String::new() } else { format!(" ({})", finding.allowed) };
        report.say(severity, "configuration", place, format!("{key}{}{allowed}", finding.what), advice);
    }
}
