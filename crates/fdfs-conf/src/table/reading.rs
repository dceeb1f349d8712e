//! The state of reading the keys of one configuration.

use std::sync::Arc;

use fdfs_proto::Status;

use super::Section;
use crate::env::Env;
use crate::ini::{Ini, Item};
use crate::{ConfError, Finding, Severity};

/// Looks keys up and collects what is wrong with them.
pub struct Reading<'a> {
    top_path: Arc<str>,
    ini: &'a Ini,
    env: &'a Env,
    findings: Vec<Finding>,
    errors: Vec<ConfError>,
}

impl<'a> Reading<'a> {
    /// A reading of the items of `ini`, whose top file is `top_path`.
    #[must_use]
    pub fn new(top_path: &str, ini: &'a Ini, env: &'a Env) -> Self {
        Self { top_path: Arc::from(top_path), ini, env, findings: Vec::new(), errors: Vec::new() }
    }

    /// The items.
    #[must_use]
    pub const fn ini(&self) -> &'a Ini {
        self.ini
    }

    /// Facts about this host.
    #[must_use]
    pub const fn env(&self) -> &'a Env {
        self.env
    }

    /// The item that counts for a key with a single value.
    #[must_use]
    pub fn last(&self, section: Section, name: &str) -> Option<&'a Item> {
        section.names().iter().find_map(|section| self.ini.last(section, name))
    }

    /// All items of a list, in the order of the text.
    #[must_use]
    pub fn all(&self, section: Section, name: &str) -> Vec<&'a Item> {
        let ini = self.ini;
        let of_section =
            |section: &&str| ini.items.iter().filter(|i| i.section == *section && i.name == name).collect::<Vec<_>>();
        section.names().iter().map(of_section).find(|items| !items.is_empty()).unwrap_or_default()
    }

    /// A name inside of the configuration, relative to the folder of the top file.
    #[must_use]
    pub fn resolve(&self, name: &str) -> String {
        crate::location::resolve(&self.top_path, name)
    }

    /// Says something about an item.
    pub fn say(&mut self, severity: Severity, item: &Item, what: impl Into<String>, allowed: &str) {
        self.findings.push(Finding::new(&item.at, &item.name, severity, what, allowed));
    }

    /// A warning about an item.
    pub fn warn(&mut self, item: &Item, what: impl Into<String>, allowed: &str) {
        self.say(Severity::Warning, item, what, allowed);
    }

    /// A note about an item.
    pub fn note(&mut self, item: &Item, what: impl Into<String>, allowed: &str) {
        self.say(Severity::Note, item, what, allowed);
    }

    /// An item's value keeps the program from starting.
    pub fn refuse(&mut self, item: &Item, allowed: impl Into<String>, status: Status) {
        self.errors.push(ConfError::BadValue {
            at: item.at.clone(),
            key: item.name.clone(),
            value: item.value.clone(),
            allowed: allowed.into(),
            status,
        });
    }

    /// An error of its own kind.
    pub fn fail(&mut self, error: ConfError) {
        self.errors.push(error);
    }

    /// A key that must be there is not.
    pub fn missing(&mut self, key: &str, allowed: impl Into<String>, status: Status) {
        let file = Arc::clone(&self.top_path);
        self.errors.push(ConfError::Missing { file, key: key.to_owned(), allowed: allowed.into(), status });
    }

    /// Findings and errors.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Finding>, Vec<ConfError>) {
        (self.findings, self.errors)
    }
}
