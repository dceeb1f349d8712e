//! One direction of one connection: what is read here is written there, as the state of its line wants it.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::tape::Ear;
use super::{Line, Link};

/// Read at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces of a slow line in a second.
const SLOW_PIECES_PER_SEC: u32 = 20;

/// Carries bytes from `from` to `to` until `from` ends, or `ear` has heard what may not go on. Only while the connection
/// `lives`: that is looked at behind each read, which may be long after the bytes were sent.
///
/// # Errors
/// What reading and writing gives, and the end of its life: the connection is then reset.
pub(super) async fn pump(
    from: &TcpStream,
    to: &TcpStream,
    line: &Line,
    lives: impl Fn() -> bool,
    seed: u64,
    mut ear: Ear,
) -> io::Result<()> {
    let mut states = line.state.subscribe();
    let mut noise = fastrand::Rng::with_seed(seed);
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        let most = match let_through(&mut states).await {
            Link::Slow(per_sec) => PIECE_BYTES.min((per_sec / SLOW_PIECES_PER_SEC).max(1) as usize),
            _ => PIECE_BYTES,
        };
        let len = tokio::select! {
            len = read(from, &mut piece[..most]) => len?,
            // The line may hang now, and then not even an end may be read.
            _ = states.changed() => continue,
        };
        // What is sent after a line began to hang does not arrive, even if it was read before that was noticed.
        let link = let_through(&mut states).await;
        if !lives() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let bytes = &mut piece[..len];
        match link {
            Link::Slow(per_sec) => sleep(Duration::from_secs_f64(len as f64 / f64::from(per_sec.max(1)))).await,
            Link::Delay(pause) => sleep(pause).await,
            Link::Garble => noise.fill(bytes),
            Link::Flip(every) => flip(bytes, offset, u64::from(every.max(1))),
            Link::Pass | Link::Cut | Link::Hang => {}
        }
        let passes = ear.hear(bytes);
        line.passed.fetch_add(passes as u64, Ordering::Relaxed);
        write_all(to, &piece[..passes]).await?;
        offset += passes as u64;
        if len == 0 || passes < len {
            if let Some(words) = ear.last_words() {
                write_all(to, &words).await?;
            }
            return rustix::net::shutdown(to, rustix::net::Shutdown::Write).map_err(Into::into);
        }
    }
}

/// Waits while the line hangs; its state then.
async fn let_through(states: &mut watch::Receiver<Link>) -> Link {
    loop {
        let link = *states.borrow_and_update();
        // The sender of the states lives as long as its line.
        if link != Link::Hang || states.changed().await.is_err() {
            return link;
        }
    }
}

/// Flips a bit in each `every`th byte of the direction, this piece of which begins at `offset`.
fn flip(bytes: &mut [u8], offset: u64, every: u64) {
    for (byte, at) in bytes.iter_mut().zip(offset + 1..) {
        if at.is_multiple_of(every) {
            *byte ^= 4;
        }
    }
}

async fn read(stream: &TcpStream, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(piece) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
