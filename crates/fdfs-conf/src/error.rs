//! Why a configuration cannot be used.

use std::sync::Arc;

use fdfs_proto::Status;

use crate::Place;

/// Why a configuration cannot be used. [`ConfError::errno`] is the exit code that the reference has for it.
///
/// Source: configuration, 11.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// A key's value is not allowed.
    #[error("{at}: {key} = {value}: not allowed (allowed: {allowed})")]
    BadValue {
        /// Where it stands.
        at: Place,
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
        /// The errno.
        status: Status,
    },
    /// A key that must be there is not.
    #[error("{file}: {key} is missing (needed: {allowed})")]
    Missing {
        /// The top file.
        file: Arc<str>,
        /// The key.
        key: String,
        /// What should stand there.
        allowed: String,
        /// The errno.
        status: Status,
    },
    /// A file could not be loaded.
    #[error("{at}: cannot load {location}: {what}")]
    Load {
        /// The `#include` line, or the file itself.
        at: Place,
        /// What was to be loaded.
        location: String,
        /// What the loader said.
        what: String,
        /// The errno.
        status: Status,
    },
    /// A directive (`#include`, `#@...`) cannot be carried out.
    #[error("{at}: {directive}: {what}")]
    Directive {
        /// Where it stands.
        at: Place,
        /// The directive's word.
        directive: &'static str,
        /// What is wrong with it.
        what: String,
        /// The errno.
        status: Status,
    },
    /// The configuration grows beyond what any real one needs.
    #[error("{at}: more than {max} {what}")]
    TooLarge {
        /// Where the limit was passed.
        at: Place,
        /// What is limited.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A line of a file that is not in the ini dialect is wrong.
    #[error("{at}: {line}: {what} (allowed: {allowed})")]
    BadLine {
        /// Where it stands.
        at: Place,
        /// The line.
        line: String,
        /// What is wrong with it.
        what: String,
        /// What is allowed.
        allowed: &'static str,
        /// The errno.
        status: Status,
    },
    /// `disabled = true`: the program ends.
    #[error("{at}: disabled = true: this server is switched off")]
    Disabled {
        /// Where it stands.
        at: Place,
    },
}

impl ConfError {
    /// The errno, as the status it would have on the wire.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::BadValue { status, .. }
            | Self::Missing { status, .. }
            | Self::Load { status, .. }
            | Self::Directive { status, .. }
            | Self::BadLine { status, .. } => *status,
            Self::TooLarge { .. } => Status::EFBIG,
            Self::Disabled { .. } => Status::ECANCELED,
        }
    }

    /// The errno: the exit code of the program that was to be started.
    #[must_use]
    pub fn errno(&self) -> i32 {
        i32::from(self.status().0)
    }

    /// Where it is wrong; a missing key belongs to the whole file.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::BadValue { at, .. }
            | Self::Load { at, .. }
            | Self::Directive { at, .. }
            | Self::TooLarge { at, .. }
            | Self::BadLine { at, .. }
            | Self::Disabled { at } => at.clone(),
            Self::Missing { file, .. } => Place::new(file, 0),
        }
    }

    /// The key; empty when it is not about a key.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::BadValue { key, .. } | Self::Missing { key, .. } => key,
            Self::Disabled { .. } => "disabled",
            Self::Load { .. } | Self::Directive { .. } | Self::TooLarge { .. } | Self::BadLine { .. } => "",
        }
    }

    /// What is allowed instead; empty when there is nothing to say.
    #[must_use]
    pub fn allowed(&self) -> &str {
        match self {
            Self::BadValue { allowed, .. } | Self::Missing { allowed, .. } => allowed,
            Self::BadLine { allowed, .. } => allowed,
            Self::Load { .. } | Self::Directive { .. } | Self::TooLarge { .. } | Self::Disabled { .. } => "",
        }
    }

    /// What is wrong, without place, key and what is allowed.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::BadValue { value, .. } if value.is_empty() => "an empty value is not allowed".to_owned(),
            Self::BadValue { value, .. } => format!("{value} is not allowed"),
            Self::Missing { .. } => "is missing".to_owned(),
            Self::Load { location, what, .. } => format!("cannot load {location}: {what}"),
            Self::Directive { directive, what, .. } => format!("{directive}: {what}"),
            Self::TooLarge { what, max, .. } => format!("more than {max} {what}"),
            Self::BadLine { line, what, .. } => format!("{line}: {what}"),
            Self::Disabled { .. } => "this server is switched off".to_owned(),
        }
    }
}
