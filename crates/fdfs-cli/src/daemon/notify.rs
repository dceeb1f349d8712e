//! What a service manager is told: that the daemon serves, that it stops, and again and again that it lives.
//!
//! The protocol is that of `sd_notify(3)`: datagrams of `KEY=VALUE` lines to the socket that `NOTIFY_SOCKET` names. Without
//! the variable nobody is told anything.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr as TcpAddr, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fdfs_proto::Command;
use fdfs_proto::header::HEADER_LEN;

/// How long the server may take to be connected to, and to answer, before it counts as hung this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A service manager, if there is one.
#[derive(Debug)]
pub(super) struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to hear that we live.
    watchdog: Option<Duration>,
    /// Where the server answers, once it does.
    server: Arc<OnceLock<TcpAddr>>,
}

impl Notify {
    /// Of the environment. A socket that cannot be used is the service manager's fault, and said in the log.
    pub(super) fn of_env() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let watchdog = watchdog(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id());
        let socket = variable("NOTIFY_SOCKET").and_then(|name| match open(name.as_bytes()) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("NOTIFY_SOCKET {}: {error}; the service manager is not told", name.display());
                None
            }
        });
        Self { socket, watchdog, server: Arc::default() }
    }

    /// It serves, or is well and waits for a tracker. From now on the watchdog hears of us.
    pub(super) fn ready(&self) {
        self.tell(&format!("READY=1\nMAINPID={}\nSTATUS=serving\n", std::process::id()));
        let (Some((socket, to)), Some(interval)) = (&self.socket, self.watchdog) else { return };
        let Ok(socket) = socket.try_clone() else { return };
        let (to, server) = (to.clone(), self.server.clone());
        let watch = move || loop {
            if server.get().is_none_or(|&addr| answers(addr)) {
                let _ = socket.send_to_addr(b"WATCHDOG=1", &to);
            } else {
                tracing::error!(
                    "the server does not answer itself: the service manager's watchdog is not told that it lives"
                );
            }
            std::thread::sleep(interval);
        };
        if let Err(error) = std::thread::Builder::new().name("watchdog".into()).spawn(watch) {
            tracing::error!("no thread for the watchdog: {error}");
        }
    }

    /// From now on the server must answer there.
    pub(super) fn serves_at(&self, addr: TcpAddr) {
        let ip = if addr.ip().is_unspecified() { [127, 0, 0, 1].into() } else { addr.ip() };
        let _ = self.server.set(TcpAddr::new(ip, addr.port()));
    }

    /// The orderly end began.
    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping\n");
    }

    fn tell(&self, text: &str) {
        if let Some((socket, to)) = &self.socket
            && let Err(error) = socket.send_to_addr(text.as_bytes(), to)
        {
            tracing::warn!("tell the service manager: {error}");
        }
    }
}

fn open(name: &[u8]) -> io::Result<(UnixDatagram, SocketAddr)> {
    let to = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::path::Path::new(std::ffi::OsStr::from_bytes(name)))?,
    };
    Ok((UnixDatagram::unbound()?, to))
}

/// Half of the time after which the service manager loses its patience.
fn watchdog(usec: Option<OsString>, pid: Option<OsString>, own_pid: u32) -> Option<Duration> {
    let number = |value: OsString| value.to_str()?.parse::<u64>().ok();
    if pid.is_some_and(|pid| number(pid) != Some(own_pid.into())) {
        return None;
    }
    usec.and_then(number).filter(|&usec| usec > 0).map(|usec| Duration::from_micros(usec / 2))
}

/// Whether the server says anything at all: that it has too many connections is an answer, too. Silence is none.
fn answers(addr: TcpAddr) -> bool {
    let ask = || -> io::Result<()> {
        let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut packet = [0; HEADER_LEN];
        packet[8] = Command::ActiveTest.number();
        stream.write_all(&packet)?;
        stream.read(&mut packet).map(drop)
    };
    !ask().is_err_and(|error| matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_watchdog_is_ours_only_if_it_says_so() {
        let text = |text: &str| Some(OsString::from(text));
        assert_eq!(watchdog(text("3000000"), None, 7), Some(Duration::from_millis(1500)));
        assert_eq!(watchdog(text("3000000"), text("7"), 7), Some(Duration::from_millis(1500)));
        assert_eq!(watchdog(text("3000000"), text("8"), 7), None);
        assert_eq!(
            (watchdog(None, None, 7), watchdog(text("0"), None, 7), watchdog(text("x"), None, 7)),
            (None, None, None)
        );
    }

    #[test]
    fn a_server_that_closes_lives() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let closing = std::thread::spawn(move || drop(listener.accept().unwrap()));
        assert!(answers(addr));
        closing.join().unwrap();
        assert!(answers(addr), "nobody listens: that is for the process to know, and no silence");
    }
}
