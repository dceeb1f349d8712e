//! One log per server, several servers per process.
//!
//! Tests and `fdfs dev` run whole clusters in one process, so there is no global subscriber: each thread belongs to one
//! server, and what is said on it goes to that server's log.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::{Level, LogSink};

/// Libraries that warn of what peers do wrong: whoever wants to fill a log could. Below errors they are heard by `debug`.
const LIBRARIES: [&str; 5] = ["h2", "hyper", "hyper_util", "rustls", "tokio_rustls"];

thread_local! {
    /// Keeps the log of a thread for as long as the thread lives.
    static THREAD_LOG: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// The log of one server. Clones are the same log.
///
/// An event becomes a line: its message, then its fields as `name=value`. An error with the field `crit = true` is
/// CRIT.
#[derive(Debug, Clone)]
pub struct ServerLog {
    dispatch: Dispatch,
    /// The index of its level in [`Level::ALL`].
    level: Arc<AtomicUsize>,
}

impl ServerLog {
    /// A log that writes what is as grave as `level` or graver to `sink`.
    #[must_use]
    pub fn new(sink: impl LogSink, level: Level) -> Self {
        let level = Arc::new(AtomicUsize::new(level as usize));
        let layer = SinkLayer { sink, level: level.clone() };
        Self { dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)), level }
    }

    /// From here on, what is as grave as `level` or graver.
    pub fn set_level(&self, level: Level) {
        self.level.store(level as usize, Ordering::Relaxed);
        // Places in the code remember whether anybody wants to hear of them.
        tracing::callsite::rebuild_interest_cache();
    }

    /// For [`tracing::dispatcher::with_default`] and its like.
    #[must_use]
    pub fn dispatch(&self) -> Dispatch {
        self.dispatch.clone()
    }

    /// Makes this the log of the calling thread until the guard is dropped: for the thread that blocks on a runtime.
    #[must_use]
    pub fn enter(&self) -> DefaultGuard {
        set_default(&self.dispatch)
    }

    /// What makes this the log of a new thread for all its life: for `on_thread_start` of a runtime's builder, and for
    /// the first line of threads made by hand.
    pub fn on_thread_start(&self) -> impl Fn() + Clone + Send + Sync + use<> {
        let dispatch = self.dispatch.clone();
        move || {
            THREAD_LOG.with_borrow_mut(|log| {
                // A guard restores what was before it: the old one first.
                drop(log.take());
                *log = Some(set_default(&dispatch));
            });
        }
    }
}

struct SinkLayer<S> {
    sink: S,
    level: Arc<AtomicUsize>,
}

impl<S> SinkLayer<S> {
    fn level(&self) -> Level {
        Level::ALL.get(self.level.load(Ordering::Relaxed)).copied().unwrap_or(Level::Info)
    }
}

impl<S: LogSink, R: Subscriber> Layer<R> for SinkLayer<S> {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, R>) -> bool {
        let library = metadata.target().split("::").next().unwrap_or_default();
        let level = self.level();
        let mut filter = level.event_filter();
        if LIBRARIES.contains(&library) && level != Level::Debug {
            filter = filter.min(tracing_subscriber::filter::LevelFilter::ERROR);
        }
        *metadata.level() <= filter
    }

    fn max_level_hint(&self) -> Option<tracing_subscriber::filter::LevelFilter> {
        Some(self.level().event_filter())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, R>) {
        let mut line = LineVisitor::default();
        event.record(&mut line);
        let level = Level::of_event(*event.metadata().level(), line.is_crit);
        if level <= self.level() {
            line.message.push_str(&line.fields);
            self.sink.write(Timestamp::now(), level, &line.message);
        }
    }
}

/// Gathers the text of an event.
#[derive(Default)]
struct LineVisitor {
    message: String,
    fields: String,
    is_crit: bool,
}

impl Visit for LineVisitor {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "crit" {
            self.is_crit = value;
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name => {
                let _ = write!(self.fields, " {name}={value}");
            }
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let _ = write!(self.fields, " {}={value}", field.name());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests;
