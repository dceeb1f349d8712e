//! The levels of log lines.

use std::fmt;

/// The level of a log line, gravest first. Source: disk formats, D.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The system is unusable.
    Emerg,
    /// Somebody must act at once.
    Alert,
    /// The server stops, or an invariant is broken.
    Crit,
    /// Something failed.
    Error,
    /// Something is wrong but was coped with.
    Warning,
    /// Worth knowing.
    Notice,
    /// The ordinary course of things.
    Info,
    /// For those who look for a fault.
    Debug,
}

impl Level {
    /// All levels, gravest first.
    pub const ALL: [Self; 8] =
        [Self::Emerg, Self::Alert, Self::Crit, Self::Error, Self::Warning, Self::Notice, Self::Info, Self::Debug];

    /// The word in a log line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Emerg => "EMERG",
            Self::Alert => "ALERT",
            Self::Crit => "CRIT",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Notice => "NOTICE",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }

    /// The level of a value of the key `log_level`: one of the words emerg, alert, crit, error, warn, notice, info,
    /// debug in any case, with anything behind it. `None` for another word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        const WORDS: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];
        let starts_with = |known: &str| word.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known));
        Self::ALL.into_iter().zip(WORDS).find(|(_, known)| starts_with(known)).map(|(level, _)| level)
    }

    /// The level of an event: `ERROR` with the field `crit = true` is CRIT; TRACE is DEBUG.
    #[must_use]
    pub fn of_event(level: tracing::Level, is_crit: bool) -> Self {
        match level {
            tracing::Level::ERROR if is_crit => Self::Crit,
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG | tracing::Level::TRACE => Self::Debug,
        }
    }

    /// The least grave events that a log of this level can hold.
    #[must_use]
    pub const fn event_filter(self) -> tracing_subscriber::filter::LevelFilter {
        use tracing_subscriber::filter::LevelFilter;
        match self {
            // Nothing is logged as EMERG or ALERT.
            Self::Emerg | Self::Alert => LevelFilter::OFF,
            Self::Crit | Self::Error => LevelFilter::ERROR,
            Self::Warning | Self::Notice => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_configuration_read_as_the_reference_reads_them() {
        for (word, level) in [
            ("debug", Some(Level::Debug)),
            ("DEBUGxx", Some(Level::Debug)),
            ("Warning", Some(Level::Warning)),
            ("warn", Some(Level::Warning)),
            ("emerg", Some(Level::Emerg)),
            ("ALERT", Some(Level::Alert)),
            ("crit", Some(Level::Crit)),
            ("error", Some(Level::Error)),
            ("notice", Some(Level::Notice)),
            ("info", Some(Level::Info)),
            ("\"debug\"", None),
            ("inf", None),
            ("", None),
            ("\u{e9}\u{e9}\u{e9}", None),
        ] {
            assert_eq!(Level::from_word(word), level, "{word}");
        }
    }

    #[test]
    fn levels_are_ordered_by_gravity() {
        assert!(Level::ALL.is_sorted());
        assert!(Level::Crit < Level::Warning);
        assert_eq!(Level::of_event(tracing::Level::ERROR, true), Level::Crit);
        assert_eq!(Level::of_event(tracing::Level::WARN, false), Level::Warning);
    }
}
