//! What was seen, and what is to be known or done about it.

use fdfs_watch::findings::{Finding, Severity};
use serde_json::{Value, json};

use crate::doctor::finding_json;

/// The exit code when it should not be taken over like this.
const ERRORS: u8 = 1;
/// The exit code when something is worth a look before.
const WARNINGS: u8 = 3;

/// All that a check found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What is there, in lines for people.
    facts: Vec<String>,
    findings: Vec<Finding>,
}

impl Report {
    /// Something is there.
    pub(super) fn fact(&mut self, fact: impl Into<String>) {
        self.facts.push(fact.into());
    }

    /// Something is to be known or done.
    pub(super) fn say(
        &mut self,
        severity: Severity,
        code: &'static str,
        about: impl Into<String>,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (about, what, advice) = (about.into(), what.into(), advice.into());
        self.findings.push(Finding { severity, code, about, what, advice });
    }

    /// How bad the worst finding is.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self.worst() {
            Some(Severity::Error) => ERRORS,
            Some(Severity::Warning) => WARNINGS,
            Some(Severity::Note) | None => 0,
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let facts = self.facts.iter().map(|fact| format!("{fact}\n"));
        let findings = findings.into_iter().map(|finding| format!("{}\n", finding.line()));
        let verdict = match self.worst() {
            Some(Severity::Error) => "Not like this",
            Some(Severity::Warning) => "Can be taken over; look at the warnings first",
            Some(Severity::Note) | None => "Can be taken over",
        };
        let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(|s| self.count(s));
        let counts = format!("{verdict}: {errors} errors, {warnings} warnings, {notes} notes\n");
        facts.chain(findings).chain([counts]).collect()
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "ok": self.worst() != Some(Severity::Error),
            "facts": self.facts,
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
        })
    }
}
