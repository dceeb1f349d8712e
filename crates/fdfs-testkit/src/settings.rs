//! The text of a configuration file, key by key.

use std::fmt;

/// The section of the access log's keys.
const ACCESS_LOG: &str = "access-log";

/// Keys and values in the order of the file; those of a section come behind the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    global: Vec<(String, String)>,
    access_log: Vec<(String, String)>,
}

impl Settings {
    /// Sets a key, which is then there once. `access-log.enabled` stands in the section of that name.
    pub fn set(&mut self, key: &str, value: impl ToString) {
        let (keys, key) = match key.split_once('.') {
            Some((ACCESS_LOG, key)) => (&mut self.access_log, key),
            _ => (&mut self.global, key),
        };
        keys.retain(|(known, _)| known != key);
        keys.push((key.to_owned(), value.to_string()));
    }

    /// Adds a key that may stand there several times.
    pub fn add(&mut self, key: &str, value: impl ToString) {
        self.global.push((key.to_owned(), value.to_string()));
    }

    /// The value of a key; the last one of several.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.global.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Keys and values outside of sections.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.global.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Sets all keys of `others`.
    pub fn set_all(&mut self, others: &[(String, String)]) {
        for (key, value) in others {
            self.set(key, value);
        }
    }
}

/// The file.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.global {
            writeln!(f, "{key} = {value}")?;
        }
        if !self.access_log.is_empty() {
            writeln!(f, "[{ACCESS_LOG}]")?;
        }
        for (key, value) in &self.access_log {
            writeln!(f, "{key} = {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_set_again_stands_there_once() {
        let mut settings = Settings::default();
        settings.set("port", 1);
        settings.add("tracker_server", "a:1");
        settings.add("tracker_server", "b:1");
        settings.set("access-log.enabled", true);
        settings.set_all(&[("port".into(), "2".into())]);
        let file = "tracker_server = a:1\ntracker_server = b:1\nport = 2\n[access-log]\nenabled = true\n";
        assert_eq!(settings.to_string(), file);
    }
}
