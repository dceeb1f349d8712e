//! Signals, as messages to the thread that decides.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a signal asks for. PIPE is ignored by every Rust program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// TERM, INT or QUIT: an orderly end.
    Stop(&'static str),
    /// HUP: begin new log files, and read the configuration again.
    HangUp,
    /// USR1 and USR2 mean nothing, but must not end the daemon.
    Ignored(&'static str),
}

/// Listens for signals from now on, in a thread of its own. `cancel` is cancelled with the first [`Signal::Stop`], for
/// those who wait for something else than a message.
///
/// # Errors
/// When the system gives no thread, or refuses a handler.
pub(crate) fn listen(cancel: CancellationToken) -> io::Result<Receiver<Signal>> {
    let (signals, received) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let run = move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        runtime.block_on(async {
            match Streams::new() {
                Ok(streams) => {
                    // Nobody waits any more only when the program ends.
                    let _ = ready.send(Ok(()));
                    streams.forward(&signals, &cancel).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
    };
    std::thread::Builder::new().name("signals".into()).spawn(run)?;
    is_ready.recv().map_err(io::Error::other)??;
    Ok(received)
}

struct Streams {
    terminate: Stream,
    interrupt: Stream,
    quit: Stream,
    hang_up: Stream,
    user1: Stream,
    user2: Stream,
}

impl Streams {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Sends on what arrives until nobody listens any more.
    async fn forward(mut self, signals: &Sender<Signal>, cancel: &CancellationToken) {
        loop {
            let signal = tokio::select! {
                _ = self.terminate.recv() => Signal::Stop("TERM"),
                _ = self.interrupt.recv() => Signal::Stop("INT"),
                _ = self.quit.recv() => Signal::Stop("QUIT"),
                _ = self.hang_up.recv() => Signal::HangUp,
                _ = self.user1.recv() => Signal::Ignored("USR1"),
                _ = self.user2.recv() => Signal::Ignored("USR2"),
            };
            if matches!(signal, Signal::Stop(_)) {
                cancel.cancel();
            }
            if signals.send(signal).is_err() {
                return;
            }
        }
    }
}
