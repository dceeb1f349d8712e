//! One connection through a proxy: accepted, dialled on, and its two directions pumped until one side has had enough.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::pump::pump;
use super::{Line, Link, Place, Wiring};

/// Nobody on this machine takes longer to accept, unless its process is frozen and its queue is full.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves a place for ever.
pub(super) async fn serve(listener: std::net::TcpListener, place: Place, wiring: Arc<Wiring>) {
    let listener = TcpListener::from_std(listener).expect("the runtime drives sockets");
    loop {
        // What fails here is a connection that was gone before it was looked at.
        let Ok((stream, from)) = listener.accept().await else { continue };
        tokio::spawn(carry(stream, from.ip(), place, wiring.clone()));
    }
}

/// Carries one connection from its caller to its place.
async fn carry(near: TcpStream, from: IpAddr, place: Place, wiring: Arc<Wiring>) {
    let (caller, told_ip) = wiring.caller(from);
    let (there, back) = (wiring.line(caller, place.node), wiring.line(place.node, caller));
    if *there.state.borrow() == Link::Cut {
        return reset(&near);
    }
    // Looked at before the first byte: what changes from here on is noticed.
    let was_garbled = is_garbled(&there, &back);
    let far = match tokio::time::timeout(DIAL_TIMEOUT, dial(told_ip, place.real)).await {
        Ok(Ok(far)) => far,
        // As if nobody listened.
        Ok(Err(_)) | Err(_) => return reset(&near),
    };
    // Small requests must not wait for each other.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let seed = wiring.next_seed();
    let ears = wiring.tape.as_ref().map(|tape| tape.begin(caller, place.node)).unwrap_or_default();
    let lives = || !is_broken(&there, &back, was_garbled);
    let both = async {
        let going = pump(&near, &far, &there, lives, seed, ears.0);
        tokio::try_join!(going, pump(&far, &near, &back, lives, !seed, ears.1)).is_ok()
    };
    let is_done = tokio::select! {
        is_done = both => is_done,
        () = broken(&there, &back, was_garbled) => false,
    };
    if !is_done {
        reset(&near);
        reset(&far);
    }
}

async fn dial(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// Waits until this connection may not live any longer.
async fn broken(there: &Line, back: &Line, was_garbled: [bool; 2]) {
    let (mut going, mut coming) = (there.state.subscribe(), back.state.subscribe());
    loop {
        coming.mark_unchanged();
        going.mark_unchanged();
        if is_broken(there, back, was_garbled) {
            return;
        }
        tokio::select! {
            _ = going.changed() => {}
            _ = coming.changed() => {}
        }
    }
}

/// Whether a connection that began so garbled may not live any longer.
fn is_broken(there: &Line, back: &Line, was_garbled: [bool; 2]) -> bool {
    *there.state.borrow() == Link::Cut || is_garbled(there, back) != was_garbled
}

fn is_garbled(there: &Line, back: &Line) -> [bool; 2] {
    [there, back].map(|line| *line.state.borrow() == Link::Garble)
}

/// Makes the end of the connection a reset, whatever was sent before.
fn reset(stream: &TcpStream) {
    // A connection that is gone needs none.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}
