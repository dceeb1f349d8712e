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
/// Free ports are taken from here: below those that systems give to outgoing connections, so that none of these takes one
/// before the server does.
const FREE_FIRST: u16 = 10_000;
const FREE_COUNT: u16 = 20_000;
/// How often another port is tried when one is taken.
const TRY_COUNT: usize = 200;

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
    let mut given = vec![TRACKER_PORT, STORAGE_PORT];
    let mut any = |ips: &[IpAddr]| any_free(ips, &mut given);
    let (tracker_port, storage_port, tracker_http, storage_http, dashboard) = match port_base {
        Some(0) => (any(&[FIRST])?, any(&storage_ips)?, any(&[FIRST])?, any(&storage_ips)?, any(&[FIRST])?),
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
        None => {
            let mut usual = |ips: &[IpAddr], port, who| free_or_any(ips, port, who, &mut any, &mut notes);
            (
                usual(&[FIRST], TRACKER_PORT, "the tracker")?,
                usual(&storage_ips, STORAGE_PORT, "the storages")?,
                usual(&[FIRST], TRACKER_HTTP_PORT, "HTTP of the tracker")?,
                usual(&storage_ips, STORAGE_HTTP_PORT, "HTTP of the storages")?,
                usual(&[FIRST], DASHBOARD_PORT, "the dashboard")?,
            )
        }
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
fn free_or_any(
    ips: &[IpAddr],
    port: u16,
    who: &str,
    any: &mut dyn FnMut(&[IpAddr]) -> anyhow::Result<u16>,
    notes: &mut Vec<String>,
) -> anyhow::Result<u16> {
    if must_be_free(ips, port).is_ok() {
        return Ok(port);
    }
    let chosen = any(ips)?;
    notes.push(format!(
        "Port {port} is in use by another program (a second cluster?): {who} of this one: port {chosen} instead. \
         --port-base N sets the ports."
    ));
    Ok(chosen)
}

/// A port that is free on all of the addresses, and was not given yet.
fn any_free(ips: &[IpAddr], given: &mut Vec<u16>) -> anyhow::Result<u16> {
    let mut last_error = None;
    for _ in 0..TRY_COUNT {
        let port = FREE_FIRST + fastrand::u16(..FREE_COUNT);
        if given.contains(&port) {
            continue;
        }
        match must_be_free(ips, port) {
            Ok(()) => {
                given.push(port);
                return Ok(port);
            }
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
    fn a_free_port_is_free_on_all_addresses_and_given_once() {
        let mut given = Vec::new();
        let ports: Vec<u16> = (0..300).map(|_| any_free(&[FIRST], &mut given).unwrap()).collect();
        assert!(must_be_free(&[FIRST], ports[0]).is_ok());
        let distinct: std::collections::BTreeSet<u16> = ports.iter().copied().collect();
        assert_eq!(distinct.len(), ports.len());
    }

    /// A system gives outgoing connections ports of its own choice; one of these would be in use when the server listens.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_free_port_is_none_that_an_outgoing_connection_gets() {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        let port = any_free(&[FIRST], &mut Vec::new()).unwrap();
        // Where somebody has made the range as large as it can be, nothing is below it.
        assert!(port < first.max(FREE_FIRST + FREE_COUNT), "{port} of {range}");
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
        let mut given = Vec::new();
        let chosen =
            free_or_any(&[FIRST], port, "the tracker", &mut |ips| any_free(ips, &mut given), &mut notes).unwrap();
        assert_ne!(chosen, port);
        assert!(notes[0].contains(&port.to_string()) && notes[0].contains(&chosen.to_string()), "{notes:?}");
    }
}
