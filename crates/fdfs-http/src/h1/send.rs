//! An answer goes out.

use std::io;
use std::time::Duration;

use fdfs_net::buffer::Buffer;
use fdfs_store::StoredFile;

use super::stream::Stream;
use crate::pure::answer::{Answer, Body, Part};
use crate::pure::digits::put_decimal;
use crate::pure::{date, page};
use crate::source::{DiskFile, Source};

/// Room for the head of an answer; most need less.
const HEAD_BYTES: usize = 512;
/// Files up to this size are read into memory and sent with their head in one call; larger ones go by `sendfile`.
const COPIED_MAX_BYTES: u64 = 16 << 10;
/// From here on the kernel is told not to send what is less than a packet while more comes: each answer of the client
/// would make it do so between two pieces.
const CORKED_MIN_BYTES: u64 = 128 << 10;
/// The most of a file of another storage that is in memory at once.
const REMOTE_PIECE_BYTES: usize = 64 << 10;

/// So long a client may take nothing of a file of another storage before the connection to that is given back.
pub const REMOTE_HOLD: Duration = Duration::from_millis(500);

/// The head of an answer. `now` is in unix seconds.
#[must_use]
pub fn head(answer: &Answer, now: i64, keeps_alive: bool) -> String {
    let mut out = String::with_capacity(HEAD_BYTES);
    out.push_str("HTTP/1.1 ");
    put_decimal(&mut out, answer.status.into(), 3);
    out.push(' ');
    out.push_str(page::reason(answer.status));
    out.push_str("\r\nServer: fdfs\r\nDate: ");
    date::put(&mut out, now);
    out.push_str("\r\n");
    out.push_str(answer.fields.as_str());
    if answer.tells_len() {
        out.push_str("Content-Length: ");
        put_decimal(&mut out, answer.body.len(), 1);
        out.push_str("\r\n");
    }
    out.push_str(if keeps_alive { "Connection: keep-alive\r\n\r\n" } else { "Connection: close\r\n\r\n" });
    out
}

/// Sends an answer.
///
/// # Errors
/// What the socket gives, and whatever keeps a body from being whole: the connection must be closed then.
pub async fn send(stream: &Stream, answer: Answer, head: &str) -> io::Result<()> {
    let head = head.as_bytes();
    if answer.is_head || answer.body.is_empty() {
        return stream.send(head, false).await;
    }
    match answer.body {
        Body::Empty => stream.send(head, false).await,
        Body::Bytes(bytes) => {
            stream.send(head, true).await?;
            stream.send(&bytes, false).await
        }
        Body::File { source: Source::Disk(disk), parts, tail } => send_disk(stream, &disk, head, &parts, &tail).await,
        Body::File { source: Source::Memory(bytes), parts, tail } => {
            let mut out = head.to_vec();
            for part in &parts {
                out.extend_from_slice(&part.head);
                let range = usize::try_from(part.offset).ok().zip(usize::try_from(part.offset + part.len).ok());
                let piece = range.and_then(|(from, to)| bytes.get(from..to));
                out.extend_from_slice(piece.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
            out.extend_from_slice(&tail);
            stream.send(&out, false).await
        }
        Body::File { source: Source::Remote(file), parts, tail } => {
            let mut buffer = vec![0; REMOTE_PIECE_BYTES];
            stream.send(head, true).await?;
            for part in &parts {
                stream.send(&part.head, true).await?;
                let mut piece = file.piece(part.offset, part.len);
                while piece.left() > 0 {
                    let n = piece.next(&mut buffer).await?;
                    let sent = stream.send_within(&buffer[..n], REMOTE_HOLD).await?;
                    if sent < n {
                        piece.rest(n - sent);
                        buffer = Vec::new();
                        stream.writable().await?;
                        buffer.resize(REMOTE_PIECE_BYTES, 0);
                    }
                }
            }
            stream.send(&tail, false).await
        }
    }
}

/// Sends parts of a file of this host.
async fn send_disk(stream: &Stream, disk: &DiskFile, head: &[u8], parts: &[Part], tail: &[u8]) -> io::Result<()> {
    let DiskFile { file, permits } = disk;
    let mut head = head;
    let total: u64 = parts.iter().map(|part| part.head.len() as u64 + part.len).sum::<u64>() + tail.len() as u64;
    if total <= COPIED_MAX_BYTES {
        let mut out = Buffer::default();
        out.reserve(head.len() + total as usize);
        put(&mut out, head);
        let permit = permits.take().await;
        for part in parts {
            put(&mut out, &part.head);
            read(&mut out, file, part.offset, part.len)?;
        }
        put(&mut out, tail);
        if !file.is_intact()? {
            return Err(deleted());
        }
        drop(permit);
        return stream.send(out.filled(), false).await;
    }
    if file.is_in_slot() {
        return send_slot(stream, disk, head, parts, tail).await;
    }
    let is_corked = total >= CORKED_MIN_BYTES;
    if is_corked {
        stream.cork(true);
    }
    for part in parts {
        stream.send(head, true).await?;
        head = &[];
        stream.send(&part.head, true).await?;
        let at = file.offset + part.offset;
        stream.send_file(&*file.file, at, at + part.len, permits).await?;
    }
    stream.send(tail, false).await?;
    if is_corked {
        stream.cork(false);
    }
    Ok(())
}

/// Sends parts of a file in a slot. They are copied, and looked at before they go: from the file itself the kernel would
/// send what is in the slot when a slow client takes it, zeros or another file.
async fn send_slot(stream: &Stream, disk: &DiskFile, head: &[u8], parts: &[Part], tail: &[u8]) -> io::Result<()> {
    let mut out = Buffer::default();
    stream.send(head, true).await?;
    for part in parts {
        stream.send(&part.head, true).await?;
        let (mut at, end) = (part.offset, part.offset + part.len);
        while at < end {
            let piece_len = (end - at).min(COPIED_MAX_BYTES);
            out.reserve(piece_len as usize);
            let permit = disk.permits.take().await;
            read(&mut out, &disk.file, at, piece_len)?;
            if !disk.file.is_intact()? {
                return Err(deleted());
            }
            drop(permit);
            stream.send(out.filled(), false).await?;
            out.consume(piece_len as usize);
            at += piece_len;
        }
    }
    stream.send(tail, false).await
}

fn deleted() -> io::Error {
    io::Error::other("the file was deleted while it was sent")
}

fn put(out: &mut Buffer, bytes: &[u8]) {
    out.spare()[..bytes.len()].copy_from_slice(bytes);
    out.advance(bytes.len());
}

/// Reads exactly `len` bytes of a file into the spare room of a buffer.
fn read(out: &mut Buffer, file: &StoredFile, offset: u64, len: u64) -> io::Result<()> {
    let mut done = 0;
    while done < len {
        let spare = &mut out.spare()[..(len - done) as usize];
        match rustix::io::pread(&*file.file, spare, file.offset + offset + done) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                out.advance(n);
                done += n as u64;
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
