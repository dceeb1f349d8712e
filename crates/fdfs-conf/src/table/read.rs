//! Reads a key's value by the rule of its row.

use std::path::PathBuf;

use super::{Action, Key, Reading, Rule};
use crate::ini::Item;
use crate::value::{BadBytes, TimeOfDay, parse_bool, parse_bytes, parse_int, print_bytes};

/// What the description of a key has that is read for the sake of old files only.
const WITHOUT_EFFECT: &str = "without effect";

impl<C> Key<C> {
    /// Reads the key, or takes its default, and puts it into `conf`.
    pub(crate) fn read(&self, conf: &mut C, reading: &mut Reading<'_>) {
        if let Rule::Custom { read, .. } = self.rule {
            return read(conf, reading, self);
        }
        if let Rule::Ignored { is_noted } = self.rule {
            if is_noted {
                self.note_ignored(reading);
            }
            return;
        }
        let item = reading.last(self.section, self.name);
        if let Some(item) = item {
            self.note_repeated(item, reading);
            self.note_without_effect(item, reading);
        }
        match self.rule {
            Rule::Bool { default, set } => set(conf, item.map_or(default, |item| self.bool_of(item, reading))),
            Rule::Count { default, set } => {
                let value = item.and_then(|item| self.number_of(item, reading));
                set(conf, value.and_then(|v| u32::try_from(v).ok()).unwrap_or(default));
            }
            Rule::Span { default, set, .. } => {
                let value = item.and_then(|item| self.number_of(item, reading));
                set(conf, value.and_then(|v| u64::try_from(v).ok()).unwrap_or(default));
            }
            Rule::Int { default, set } => {
                let value = item.and_then(|item| self.number_of(item, reading));
                set(conf, value.and_then(|v| i32::try_from(v).ok()).unwrap_or(default));
            }
            Rule::Choice { default, choices, other, set } => {
                let value = item.and_then(|item| self.choice_of(item, choices, other, reading));
                set(conf, value.unwrap_or(default));
            }
            Rule::Bytes { default, set } => {
                let value = item.and_then(|item| self.bytes_of(item, reading));
                set(conf, value.unwrap_or(default));
            }
            Rule::Time { default, set } => {
                let value = item.and_then(|item| self.time_of(item, reading));
                set(conf, value.unwrap_or(default));
            }
            Rule::Text { default, set } => set(conf, item.map_or(default, |item| item.value.as_str())),
            Rule::Path { default, set } => match item.map_or(default, |item| item.value.as_str()) {
                "" => {}
                path => set(conf, path_of(path)),
            },
            Rule::Word { default, other, set } => {
                let value = item.map_or(default, |item| item.value.as_str());
                // An absent word without a default leaves the field as it is.
                if (item.is_some() || !value.is_empty()) && !set(conf, value) {
                    if let Some(item) = item {
                        self.not_allowed(other, item, reading, || default.to_owned());
                    }
                    if !default.is_empty() {
                        set(conf, default);
                    }
                }
            }
            Rule::Custom { .. } | Rule::Ignored { .. } => {}
        }
    }

    /// The least of what a value should be, for people.
    #[must_use]
    pub fn allowed_text(&self) -> String {
        if !self.allowed.is_empty() {
            return self.allowed.to_owned();
        }
        let range = |show: fn(i64) -> String, top: i64| match (self.limits.low, self.limits.high) {
            (low, high) if high >= top => format!("at least {}", show(low)),
            (low, high) => format!("{} to {}", show(low), show(high)),
        };
        match self.rule {
            Rule::Bool { .. } => "true, yes, on, 1; false, no, off, 0".to_owned(),
            Rule::Count { .. } => range(|n| n.to_string(), i64::from(i32::MAX)),
            Rule::Span { unit: "s", .. } => format!("{} seconds", range(|n| n.to_string(), i64::from(i32::MAX))),
            Rule::Span { .. } => format!("{} milliseconds", range(|n| n.to_string(), i64::from(i32::MAX))),
            Rule::Int { .. } => "a number".to_owned(),
            Rule::Choice { choices, .. } => choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Rule::Bytes { .. } => {
                format!("{}, with T, G, M, K and B", range(|n| print_bytes(n.unsigned_abs()), i64::MAX))
            }
            Rule::Time { .. } => "H:MM, HH:MM or HH:MM:SS".to_owned(),
            Rule::Path { .. } => "a path".to_owned(),
            Rule::Text { .. } | Rule::Word { .. } | Rule::Custom { .. } | Rule::Ignored { .. } => String::new(),
        }
    }

    /// The default, as it would stand in a file; empty for none.
    #[must_use]
    pub fn default_text(&self) -> String {
        match self.rule {
            Rule::Bool { default, .. } => default.to_string(),
            Rule::Count { default, .. } => default.to_string(),
            Rule::Span { default, .. } => default.to_string(),
            Rule::Int { default, .. } | Rule::Choice { default, .. } => default.to_string(),
            Rule::Bytes { default, .. } => print_bytes(default),
            Rule::Time { default, .. } => default.to_string(),
            Rule::Text { default, .. }
            | Rule::Path { default, .. }
            | Rule::Word { default, .. }
            | Rule::Custom { default, .. } => default.to_owned(),
            Rule::Ignored { .. } => String::new(),
        }
    }

    fn note_ignored(&self, reading: &mut Reading<'_>) {
        for item in &reading.ini().items {
            let here = self.section.names().contains(&item.section.as_str());
            if here && super::matches_name(self.name, &item.name) && !crate::http_port::is_live(reading, item) {
                reading.note(item, format!("ignored: {}", self.doc), "");
            }
        }
    }

    /// Somebody has set a key to something of his own that does nothing here.
    fn note_without_effect(&self, item: &Item, reading: &mut Reading<'_>) {
        if !self.doc.contains(WITHOUT_EFFECT) {
            return;
        }
        let is_same = match self.rule {
            Rule::Bool { default, .. } => parse_bool(&item.value) == Some(default),
            _ => item.value == self.default_text(),
        };
        if !is_same && self.sample != Some(item.value.as_str()) {
            reading.note(item, self.doc, "");
        }
    }

    fn note_repeated(&self, item: &Item, reading: &mut Reading<'_>) {
        let count = reading.ini().all(&item.section, &item.name).count();
        if count > 1 {
            reading.note(item, format!("stands here {count} times: the last one counts"), "");
        }
    }

    fn bool_of(&self, item: &Item, reading: &mut Reading<'_>) -> bool {
        parse_bool(&item.value).unwrap_or_else(|| {
            reading.note(item, format!("'{}' is read as false", item.value), &self.allowed_text());
            false
        })
    }

    fn int_of(&self, item: &Item, reading: &mut Reading<'_>) -> i64 {
        let int = parse_int(&item.value);
        if !int.is_clean {
            reading.note(item, format!("'{}' is read as {}", item.value, int.value), "a decimal number");
        }
        int.value
    }

    /// The number inside of the limits; `None` stands for the default.
    fn number_of(&self, item: &Item, reading: &mut Reading<'_>) -> Option<i64> {
        let value = self.int_of(item, reading);
        self.limit(value, item, reading)
    }

    fn limit(&self, value: i64, item: &Item, reading: &mut Reading<'_>) -> Option<i64> {
        let limits = self.limits;
        let (action, nearest) = match value {
            v if v < limits.low => (limits.below, limits.low),
            v if v > limits.high => (limits.above, limits.high),
            v => return Some(v),
        };
        let is_bytes = matches!(self.rule, Rule::Bytes { .. });
        let used = match action {
            Action::Clamp(_) if is_bytes => print_bytes(nearest.unsigned_abs()),
            Action::Clamp(_) => nearest.to_string(),
            Action::UseDefault(_) | Action::Refuse(_) => self.default_text(),
        };
        self.not_allowed(action, item, reading, || used);
        matches!(action, Action::Clamp(_)).then_some(nearest)
    }

    fn choice_of(&self, item: &Item, choices: &[i32], other: Action, reading: &mut Reading<'_>) -> Option<i32> {
        let value = self.int_of(item, reading);
        let choice = choices.iter().copied().find(|&choice| i64::from(choice) == value);
        if choice.is_none() {
            self.not_allowed(other, item, reading, || self.default_text());
        }
        choice
    }

    fn bytes_of(&self, item: &Item, reading: &mut Reading<'_>) -> Option<u64> {
        match parse_bytes(&item.value) {
            Ok(bytes) => {
                let value = i64::try_from(bytes).unwrap_or(i64::MAX);
                self.limit(value, item, reading).map(i64::unsigned_abs)
            }
            Err(bad) => {
                let action = match bad {
                    BadBytes::Negative => self.limits.negative,
                    BadBytes::NoSize => Action::Refuse(fdfs_proto::Status::EINVAL),
                };
                self.not_allowed(action, item, reading, || self.default_text());
                None
            }
        }
    }

    fn time_of(&self, item: &Item, reading: &mut Reading<'_>) -> Option<TimeOfDay> {
        let time = TimeOfDay::parse(&item.value);
        if time.is_none() {
            reading.refuse(item, self.allowed_text(), fdfs_proto::Status::EINVAL);
        }
        time
    }

    /// Refuses a value, or says what is used instead.
    fn not_allowed(&self, action: Action, item: &Item, reading: &mut Reading<'_>, used: impl FnOnce() -> String) {
        match action {
            Action::Refuse(status) => reading.refuse(item, self.allowed_text(), status),
            Action::UseDefault(severity) | Action::Clamp(severity) => {
                let what = format!("{} is not allowed, {} is used", shown(&item.value), shown(&used()));
                reading.say(severity, item, what, &self.allowed_text());
            }
        }
    }
}

/// A value as it is shown in messages.
fn shown(value: &str) -> &str {
    if value.is_empty() { "an empty value" } else { value }
}

/// A path without trailing slashes.
pub(crate) fn path_of(text: &str) -> PathBuf {
    match text.trim_end_matches('/') {
        "" => PathBuf::from("/"),
        path => PathBuf::from(path),
    }
}
