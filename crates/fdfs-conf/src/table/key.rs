//! A row of a table of keys.

use std::path::PathBuf;

use fdfs_proto::Status;

use super::Reading;
use crate::Severity;
use crate::value::TimeOfDay;

/// Where a key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The global part.
    Global,
    /// `[error-log]`, then the global part.
    ErrorLog,
    /// `[access-log]`, then the global part.
    AccessLog,
    /// `[access-log]` only.
    AccessLogOnly,
    /// `[group1]`, `[group2]`, ...
    Groups,
}

impl Section {
    /// The names of the sections, in the order of the look-up; the global part is the empty name.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Global => &[""],
            Self::ErrorLog => &["error-log", ""],
            Self::AccessLog => &["access-log", ""],
            Self::AccessLogOnly => &["access-log"],
            Self::Groups => &["group%d"],
        }
    }
}

/// What happens to a value that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The program does not start; the errno.
    Refuse(Status),
    /// The default is used; said as a warning, or as a note where the reference is silent.
    UseDefault(Severity),
    /// The nearest allowed value is used.
    Clamp(Severity),
}

/// The range of a number, and what happens outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least allowed value.
    pub low: i64,
    /// What happens below it.
    pub below: Action,
    /// The greatest allowed value.
    pub high: i64,
    /// What happens above it.
    pub above: Action,
    /// What happens to a negative size in bytes.
    pub negative: Action,
}

/// How a key's value is read, with its default and the function that puts it into the configuration.
pub enum Rule<C> {
    /// A truth value.
    Bool {
        /// When absent.
        default: bool,
        /// Puts it in.
        set: fn(&mut C, bool),
    },
    /// A number of things.
    Count {
        /// When absent.
        default: u32,
        /// Puts it in.
        set: fn(&mut C, u32),
    },
    /// A span of time.
    Span {
        /// When absent.
        default: u64,
        /// `s` or `ms`.
        unit: &'static str,
        /// Puts it in.
        set: fn(&mut C, u64),
    },
    /// Any number.
    Int {
        /// When absent.
        default: i32,
        /// Puts it in.
        set: fn(&mut C, i32),
    },
    /// A number with a few allowed values.
    Choice {
        /// When absent.
        default: i32,
        /// The allowed values.
        choices: &'static [i32],
        /// What happens to others.
        other: Action,
        /// Puts it in.
        set: fn(&mut C, i32),
    },
    /// A size in bytes.
    Bytes {
        /// When absent.
        default: u64,
        /// Puts it in.
        set: fn(&mut C, u64),
    },
    /// A time of the day.
    Time {
        /// When absent.
        default: TimeOfDay,
        /// Puts it in.
        set: fn(&mut C, TimeOfDay),
    },
    /// Any text.
    Text {
        /// When absent.
        default: &'static str,
        /// Puts it in.
        set: fn(&mut C, &str),
    },
    /// A path; a trailing slash is cut.
    Path {
        /// When absent; empty leaves the field alone.
        default: &'static str,
        /// Puts it in.
        set: fn(&mut C, PathBuf),
    },
    /// A text that must be one of some words, or have a form.
    Word {
        /// When absent; empty leaves the field alone.
        default: &'static str,
        /// What happens to others.
        other: Action,
        /// Puts it in; `false` when it is not allowed.
        set: fn(&mut C, &str) -> bool,
    },
    /// A key with rules of its own.
    Custom {
        /// When absent, for people.
        default: &'static str,
        /// The type, for people.
        kind: &'static str,
        /// Looks it up and puts it in.
        read: fn(&mut C, &mut Reading<'_>, &Key<C>),
    },
    /// A key that means nothing (any more).
    Ignored {
        /// Whether a note says so.
        is_noted: bool,
    },
}

impl<C> Clone for Rule<C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C> Copy for Rule<C> {}

/// A row: a key, how it is read, what is allowed, and what it is for.
pub struct Key<C> {
    /// The name; `%d` stands for a number, a trailing `*` for anything.
    pub name: &'static str,
    /// Where it is looked up.
    pub section: Section,
    /// Type, default and setter.
    pub rule: Rule<C>,
    /// The range of numbers.
    pub limits: Limits,
    /// What is allowed, for people, where type and range do not say it.
    pub allowed: &'static str,
    /// What happens to a value that is not allowed, for people, where rule and range do not say it.
    pub otherwise: &'static str,
    /// The value in the sample file, where it is not the default.
    pub sample: Option<&'static str>,
    /// The first version that knows it; empty for long ago.
    pub since: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

impl<C> Clone for Key<C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C> Copy for Key<C> {}

const REFUSE: Action = Action::Refuse(Status::EINVAL);
const SILENT_CLAMP: Action = Action::Clamp(Severity::Note);

impl<C> Key<C> {
    const fn new(name: &'static str, rule: Rule<C>, low: i64, high: i64, doc: &'static str) -> Self {
        let limits = Limits { low, below: SILENT_CLAMP, high, above: SILENT_CLAMP, negative: REFUSE };
        Self { name, section: Section::Global, rule, limits, allowed: "", otherwise: "", sample: None, since: "", doc }
    }

    /// A truth value.
    pub const fn bool(name: &'static str, default: bool, set: fn(&mut C, bool), doc: &'static str) -> Self {
        Self::new(name, Rule::Bool { default, set }, 0, 1, doc)
    }

    /// A number of things, from 0 unless [`Key::at_least`] says otherwise.
    pub const fn count(name: &'static str, default: u32, set: fn(&mut C, u32), doc: &'static str) -> Self {
        Self::new(name, Rule::Count { default, set }, 0, i32::MAX as i64, doc)
    }

    /// Seconds.
    pub const fn secs(name: &'static str, default: u64, set: fn(&mut C, u64), doc: &'static str) -> Self {
        Self::new(name, Rule::Span { default, unit: "s", set }, 0, i32::MAX as i64, doc)
    }

    /// Milliseconds.
    pub const fn ms(name: &'static str, default: u64, set: fn(&mut C, u64), doc: &'static str) -> Self {
        Self::new(name, Rule::Span { default, unit: "ms", set }, 0, i32::MAX as i64, doc)
    }

    /// Any number.
    pub const fn int(name: &'static str, default: i32, set: fn(&mut C, i32), doc: &'static str) -> Self {
        Self::new(name, Rule::Int { default, set }, i32::MIN as i64, i32::MAX as i64, doc)
    }

    /// A number with a few allowed values; `other` says what happens to the rest.
    pub const fn choice(
        name: &'static str,
        default: i32,
        choices: &'static [i32],
        other: Action,
        set: fn(&mut C, i32),
        doc: &'static str,
    ) -> Self {
        let rule = Rule::Choice { default, choices, other, set };
        Self::new(name, rule, i32::MIN as i64, i32::MAX as i64, doc)
    }

    /// A size; a negative one is refused.
    pub const fn bytes(name: &'static str, default: u64, set: fn(&mut C, u64), doc: &'static str) -> Self {
        Self::new(name, Rule::Bytes { default, set }, 0, i64::MAX, doc)
    }

    /// A time of the day; anything else is refused.
    pub const fn time(name: &'static str, default: TimeOfDay, set: fn(&mut C, TimeOfDay), doc: &'static str) -> Self {
        Self::new(name, Rule::Time { default, set }, 0, 0, doc)
    }

    /// Any text.
    pub const fn text(name: &'static str, default: &'static str, set: fn(&mut C, &str), doc: &'static str) -> Self {
        Self::new(name, Rule::Text { default, set }, 0, 0, doc)
    }

    /// A path.
    pub const fn path(name: &'static str, default: &'static str, set: fn(&mut C, PathBuf), doc: &'static str) -> Self {
        Self::new(name, Rule::Path { default, set }, 0, 0, doc)
    }

    /// A word or form that `set` knows; `other` says what happens to the rest.
    pub const fn word(
        name: &'static str,
        default: &'static str,
        other: Action,
        set: fn(&mut C, &str) -> bool,
        doc: &'static str,
    ) -> Self {
        Self::new(name, Rule::Word { default, other, set }, 0, 0, doc)
    }

    /// A key with rules of its own.
    pub const fn custom(
        name: &'static str,
        kind: &'static str,
        default: &'static str,
        read: fn(&mut C, &mut Reading<'_>, &Self),
        doc: &'static str,
    ) -> Self {
        Self::new(name, Rule::Custom { default, kind, read }, 0, 0, doc)
    }

    /// A historic key: read without effect, with a note.
    pub const fn ignored(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, Rule::Ignored { is_noted: true }, 0, 0, doc)
    }

    /// A key that other programs read from the same file: without effect here, without a note.
    pub const fn elsewhere(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, Rule::Ignored { is_noted: false }, 0, 0, doc)
    }

    /// The least allowed value, and what happens below it.
    #[must_use]
    pub const fn at_least(mut self, low: i64, below: Action) -> Self {
        (self.limits.low, self.limits.below) = (low, below);
        self
    }

    /// The greatest allowed value, and what happens above it.
    #[must_use]
    pub const fn at_most(mut self, high: i64, above: Action) -> Self {
        (self.limits.high, self.limits.above) = (high, above);
        self
    }

    /// Less than 1 becomes the default without a word, as the reference does with intervals and time-outs.
    #[must_use]
    pub const fn positive(self) -> Self {
        self.at_least(1, Action::UseDefault(Severity::Note))
    }

    /// A corrected size: what is outside of the range is moved to its end, a negative one becomes the default.
    #[must_use]
    pub const fn corrected(mut self, low: i64, high: i64) -> Self {
        self.limits.negative = Action::UseDefault(Severity::Warning);
        self.at_least(low, Action::Clamp(Severity::Warning)).at_most(high, Action::Clamp(Severity::Warning))
    }

    /// Where it is looked up.
    #[must_use]
    pub const fn in_section(mut self, section: Section) -> Self {
        self.section = section;
        self
    }

    /// What is allowed, for people.
    #[must_use]
    pub const fn allowed(mut self, allowed: &'static str) -> Self {
        self.allowed = allowed;
        self
    }

    /// What happens to a value that is not allowed, for people.
    #[must_use]
    pub const fn otherwise(mut self, otherwise: &'static str) -> Self {
        self.otherwise = otherwise;
        self
    }

    /// The value in the sample file.
    #[must_use]
    pub const fn sample(mut self, sample: &'static str) -> Self {
        self.sample = Some(sample);
        self
    }

    /// The first version that knows it.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }
}
