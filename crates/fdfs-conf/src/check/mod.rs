//! `fdfs conf check FILE`: everything that is wrong with a configuration file, at once.

mod kind;

use std::fmt;

pub use kind::FileKind;

use crate::env::Env;
use crate::ini::Ini;
use crate::table::{ConfFile, Reviewed, review};
use crate::{
    ClientConf, ConfError, Finding, HttpConf, Loader, MimeTypes, ModFastdfsConf, Severity, StorageConf, StorageIds,
    TrackerConf,
};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the file was taken for.
    pub kind: FileKind,
    /// The file.
    pub path: String,
    /// Errors, warnings and notes, in the order of the lines.
    pub findings: Vec<Finding>,
    /// The errno with which the program would end, 0 if it would start.
    pub errno: i32,
}

impl Report {
    fn new(kind: FileKind, path: &str, mut findings: Vec<Finding>, errors: &[ConfError]) -> Self {
        findings.extend(errors.iter().map(Finding::from_error));
        // What concerns the file as a whole (line 0) comes first, then the lines; an included file stays together.
        findings.sort_by_key(|finding| (finding.file.as_ref() != path, finding.place(), finding.severity));
        Self { kind, path: path.to_owned(), findings, errno: errors.first().map_or(0, ConfError::errno) }
    }

    /// How many findings of a severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether the program would not start.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }
}

/// A line for each finding, then a summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let notes = self.count(Severity::Note);
        write!(f, "{} ({}): {errors} errors, {warnings} warnings, {notes} notes", self.path, self.kind)
    }
}

/// Checks a file. Without a `kind` it is guessed from the keys. storage_ids.conf and mime.types are checked along with
/// the files that name them.
#[must_use]
pub fn check(kind: Option<FileKind>, top_path: &str, loader: &dyn Loader, env: &Env) -> Report {
    if let Some(kind @ (FileKind::StorageIds | FileKind::MimeTypes)) = kind {
        return check_lines(kind, top_path, loader);
    }
    let ini = match Ini::read(top_path, loader, env) {
        Ok(ini) => ini,
        Err(error) => {
            let kind = kind.or_else(|| FileKind::of_file_name(top_path)).unwrap_or(FileKind::Tracker);
            return Report::new(kind, top_path, Vec::new(), &[error]);
        }
    };
    let kind = kind.unwrap_or_else(|| kind::guess(&ini, top_path, loader));
    match kind {
        FileKind::Tracker => check_tracker(&ini, top_path, loader, env),
        FileKind::Storage => report_of(review::<StorageConf>(top_path, &ini, env), top_path),
        FileKind::Client => report_of(review::<ClientConf>(top_path, &ini, env), top_path),
        FileKind::Http => report_of(review::<HttpConf>(top_path, &ini, env), top_path),
        FileKind::ModFastdfs => report_of(review::<ModFastdfsConf>(top_path, &ini, env), top_path),
        FileKind::StorageIds | FileKind::MimeTypes => check_lines(kind, top_path, loader),
    }
}

fn report_of<C: ConfFile>(reviewed: Reviewed<C>, path: &str) -> Report {
    Report::new(C::KIND, path, reviewed.findings, &reviewed.errors)
}

/// A tracker reads storage_ids.conf at its start, so a mistake there keeps it from starting, too.
fn check_tracker(ini: &Ini, path: &str, loader: &dyn Loader, env: &Env) -> Report {
    let Reviewed { conf, mut findings, mut errors } = review::<TrackerConf>(path, ini, env);
    if let Some(ids) = conf.storage_ids_filename.as_deref().filter(|_| conf.use_storage_id) {
        let (more_findings, more_errors) = review_ids(ids, loader);
        findings.extend(more_findings);
        errors.extend(more_errors);
    }
    Report::new(FileKind::Tracker, path, findings, &errors)
}

fn check_lines(kind: FileKind, path: &str, loader: &dyn Loader) -> Report {
    let (findings, errors) = match kind {
        FileKind::MimeTypes => {
            let error = load(path, loader).and_then(|bytes| MimeTypes::parse(path, &bytes)).err();
            (Vec::new(), error.into_iter().collect())
        }
        _ => review_ids(path, loader),
    };
    Report::new(kind, path, findings, &errors)
}

fn review_ids(path: &str, loader: &dyn Loader) -> (Vec<Finding>, Vec<ConfError>) {
    match load(path, loader) {
        Ok(bytes) => {
            let (parsed, errors) = StorageIds::review(path, &bytes);
            (parsed.findings, errors)
        }
        Err(error) => (Vec::new(), vec![error]),
    }
}

fn load(path: &str, loader: &dyn Loader) -> Result<Vec<u8>, ConfError> {
    loader.load(path).map_err(|e| ConfError::Load {
        at: crate::Place::whole(path),
        location: path.to_owned(),
        what: e.what,
        status: e.status,
    })
}

#[cfg(test)]
mod tests;
