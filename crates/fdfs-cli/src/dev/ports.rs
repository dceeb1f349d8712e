//! Which loopback addresses and ports a development cluster takes.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use fdfs_proto::Status;
use fdfs_proto::limits::{STORAGE_PORT, TRACKER_PORT};

use crate::exit::failure;

/// The address of the tracker and of the first storage.
const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The address of the second storage: a storage is known by its address.
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// Where a tracker sends HTTP clients on, and where storages serve them.
const TRACKER_HTTP_PORT: u16 = 8080;
const STORAGE_HTTP_PORT: u16 = 8888;
/// Where the tracker shows the dashboard.
const DASHBOARD_PORT: u16 = 9899;
/// How often another port is tried when one is free on one of the addresses only.
const TRY_COUNT: usize = 32;

/// Where the servers listen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The tracker.
    pub(crate) tracker: SocketAddr,
    /// One or two storages, with one port: those of a group must not differ.
    pub(crate) storages: Vec<SocketAddr>,
    /// Where the tracker sends HTTP clients on.
    pub(crate) tracker_http: u16,
    /// Where the storages serve HTTP.
    pub(crate) storage_http: u16,
    /// Where the tracker shows the dashboard.
    pub(crate) dashboard: u16,
    /// What the user would not expect.
    pub(crate) notes: Vec<String>,
}

/// Chooses addresses and ports that are free now.
///
/// # Errors
/// `EADDRINUSE` when a port that was asked for is taken.
pub(crate) fn choose(port_base: Option<u16>) -> anyhow::Result<Layout> {
    let mut notes = Vec::new();
    let mut storage_ips = vec![FIRST];
    match TcpListener::bind((SECOND, 0)) {
        Ok(_) => storage_ips.push(SECOND),
        Err(error) => notes.push(format!(
            "{SECOND} cannot be used on this system ({error}): there is one storage only. \
             Where loopback aliases are switched off, `ifconfig lo0 alias {SECOND}` brings the second."
        )),
    }
    let (tracker_port, storage_port, tracker_http, storage_http, dashboard) = match port_base {
        Some(0) => (
            any_free(&[FIRST])?,
            any_free(&storage_ips)?,
            any_free(&[FIRST])?,
            any_free(&storage_ips)?,
            any_free(&[FIRST])?,
        ),
        Some(base) => {
            // The range of the option leaves room for the next ports.
            let (tracker, storage) = (base, base.saturating_add(1));
            let (tracker_http, storage_http) = (base.saturating_add(2), base.saturating_add(3));
            // Not the next one: programs in front are often given the ports that follow.
            let dashboard = base.saturating_add(9);
            // The one that was asked for is the first to be named.
            must_be_free(&[FIRST], tracker)?;
            must_be_free(&storage_ips, storage)?;
            must_be_free(&[FIRST], tracker_http)?;
            must_be_free(&storage_ips, storage_http)?;
            must_be_free(&[FIRST], dashboard)?;
            (tracker, storage, tracker_http, storage_http, dashboard)
        }
        None => (
            free_or_any(&[FIRST], TRACKER_PORT, "the tracker", &mut notes)?,
            free_or_any(&storage_ips, STORAGE_PORT, "the storages", &mut notes)?,
            free_or_any(&[FIRST], TRACKER_HTTP_PORT, "HTTP of the tracker", &mut notes)?,
            free_or_any(&storage_ips, STORAGE_HTTP_PORT, "HTTP of the storages", &mut notes)?,
            free_or_any(&[FIRST], DASHBOARD_PORT, "the dashboard", &mut notes)?,
        ),
    };
    let storages = storage_ips.into_iter().map(|ip| SocketAddr::new(ip, storage_port)).collect();
    let tracker = SocketAddr::new(FIRST, tracker_port);
    Ok(Layout { tracker, storages, tracker_http, storage_http, dashboard, notes })
}

fn must_be_free(ips: &[IpAddr], port: u16) -> anyhow::Result<()> {
    for &ip in ips {
        if let Err(error) = TcpListener::bind((ip, port)) {
            let addr = SocketAddr::new(ip, port);
            let status = Status::from_io(&error);
            let what = match error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "port {port} of {ip} is in use by another program: choose other ports with --port-base N, \
                     or --port-base 0 for any free ones"
                ),
                _ => format!("listen on {addr}: {error}; choose other ports with --port-base N"),
            };
            return Err(failure(status, what));
        }
    }
    Ok(())
}

/// The usual port, or any free one and a note.
fn free_or_any(ips: &[IpAddr], port: u16, who: &str, notes: &mut Vec<String>) -> anyhow::Result<u16> {
    if must_be_free(ips, port).is_ok() {
        return Ok(port);
    }
    let chosen = any_free(ips)?;
    notes.push(format!(
        "Port {port} is in use by another program (a second cluster?): {who} of this one take port {chosen} instead. \
         --port-base N sets the ports."
    ));
    Ok(chosen)
}

/// A port that is free on all of the addresses.
fn any_free(ips: &[IpAddr]) -> anyhow::Result<u16> {
    let mut last_error = None;
    for _ in 0..TRY_COUNT {
        let port = TcpListener::bind((FIRST, 0))?.local_addr()?.port();
        match must_be_free(ips, port) {
            Ok(()) => return Ok(port),
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| failure(Status::EADDRINUSE, "no free port")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_have_an_address_each() {
        let layout = choose(Some(0)).unwrap();
        let ips: Vec<IpAddr> = layout.storages.iter().map(SocketAddr::ip).collect();
        assert!(ips == [FIRST, SECOND] || (ips == [FIRST] && layout.notes.len() == 1), "{layout:?}");
        assert!(layout.storages.iter().all(|addr| addr.port() == layout.storages[0].port()), "{layout:?}");
    }

    #[test]
    fn a_free_port_is_free_on_all_addresses() {
        let port = any_free(&[FIRST]).unwrap();
        assert!(must_be_free(&[FIRST], port).is_ok());
    }

    #[test]
    fn a_port_that_was_asked_for_and_is_taken_is_named_with_the_option() {
        let taken = TcpListener::bind((FIRST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = must_be_free(&[FIRST], port).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), 98);
        let text = error.to_string();
        assert!(text.contains(&format!("port {port} ")) && text.contains("--port-base 0"), "{text}");
    }

    #[test]
    fn a_usual_port_that_is_taken_gives_way_and_says_so() {
        let taken = TcpListener::bind((FIRST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let mut notes = Vec::new();
        let chosen = free_or_any(&[FIRST], port, "the tracker", &mut notes).unwrap();
        assert_ne!(chosen, port);
        assert!(notes[0].contains(&port.to_string()) && notes[0].contains(&chosen.to_string()), "{notes:?}");
    }
}
