//! One table of keys per file drives parser, defaults, ranges, check and documentation.

mod key;
mod read;
mod reading;
mod unknown;

pub use key::{Action, Key, Limits, Rule, Section};
pub(crate) use read::path_of;
pub use reading::Reading;
pub(crate) use unknown::{is_known, matches_name};

use crate::check::FileKind;
use crate::env::Env;
use crate::ini::Ini;
use crate::{ConfError, Finding, Loader, Parsed};

/// A file in the ini dialect that is read by a table of keys.
pub trait ConfFile: Sized + 'static {
    /// Which file it is.
    const KIND: FileKind;

    /// A configuration whose fields are all zero or empty: what the table fills in.
    #[must_use]
    fn blank() -> Self;

    /// The table, in the order of reading. Later keys may rely on earlier ones.
    #[must_use]
    fn keys() -> Vec<Key<Self>>;

    /// Rules that look at several keys, after all keys were read.
    fn finish(&mut self, reading: &mut Reading<'_>);
}

/// What reading a configuration gives when it goes on after errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed<T> {
    /// The configuration, with defaults where there were errors.
    pub conf: T,
    /// Warnings and notes.
    pub findings: Vec<Finding>,
    /// What keeps the program from starting, in the order in which the keys are read.
    pub errors: Vec<ConfError>,
}

/// Reads all keys of a configuration, errors or not.
#[must_use]
pub fn review<C: ConfFile>(top_path: &str, ini: &Ini, env: &Env) -> Reviewed<C> {
    let keys = C::keys();
    let mut reading = Reading::new(top_path, ini, env);
    let mut conf = C::blank();
    for key in &keys {
        key.read(&mut conf, &mut reading);
    }
    conf.finish(&mut reading);
    unknown::report(&keys, C::KIND, &mut reading);
    let (findings, errors) = reading.into_parts();
    Reviewed { conf, findings: [ini.findings.clone(), findings].concat(), errors }
}

/// Reads a configuration that must be usable.
///
/// # Errors
/// The first thing that keeps the program from starting.
pub fn parse<C: ConfFile>(top_path: &str, loader: &dyn Loader, env: &Env) -> Result<Parsed<C>, ConfError> {
    let ini = Ini::read(top_path, loader, env)?;
    let Reviewed { conf, findings, errors } = review(top_path, &ini, env);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(Parsed { conf, findings }),
    }
}

/// The defaults: what an empty file means, required keys left empty.
#[must_use]
pub fn defaults<C: ConfFile>() -> C {
    review("", &Ini::default(), &Env::default()).conf
}

/// A part of a configuration with the defaults of some rows.
pub(crate) fn with_defaults<C>(mut part: C, keys: &[Key<C>]) -> C {
    let (ini, env) = (Ini::default(), Env::default());
    let mut reading = Reading::new("", &ini, &env);
    for key in keys {
        key.read(&mut part, &mut reading);
    }
    part
}

/// Defines a configuration struct together with its blank value, its defaults (from the table) and its parser.
macro_rules! conf_struct {
    (
        $(#[$doc:meta])*
        pub struct $name:ident { $( $(#[$field_doc:meta])* pub $field:ident: $type:ty, )* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $( $(#[$field_doc])* pub $field: $type, )* }

        impl $name {
            /// All fields zero or empty.
            fn blank_fields() -> Self {
                Self { $( $field: Default::default(), )* }
            }

            /// Reads the file `top_path` and what it includes.
            ///
            /// # Errors
            /// The first thing that keeps the program from starting, with the errno that the reference has for it.
            pub fn parse(
                top_path: &str,
                loader: &dyn $crate::Loader,
                env: &$crate::Env,
            ) -> Result<$crate::Parsed<Self>, $crate::ConfError> {
                $crate::table::parse(top_path, loader, env)
            }
        }

        /// The values of keys that are absent, from the table; required keys are left empty.
        impl Default for $name {
            fn default() -> Self {
                $crate::table::defaults()
            }
        }
    };
}
pub(crate) use conf_struct;

#[cfg(test)]
mod tests;
