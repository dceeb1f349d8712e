//! Answers with a piece of a file that others may overwrite meanwhile.

use std::io;
use std::os::fd::AsFd;

use fdfs_proto::{HEADER_LEN, Header, Status};

use super::{DataConnection, SEND_COPIED_MAX_BYTES};
use crate::error::NetError;
use crate::permits::Permits;

/// The end of a large answer is held back until the file was looked at again.
const HELD_BACK_BYTES: u64 = 4 << 10;

impl DataConnection {
    /// Sends an answer whose body is `len` bytes of `file` from `offset`, if `is_intact` then says that these bytes were
    /// the right ones. `false` when nothing was sent because they were not. Reading takes one of the file's `permits`.
    ///
    /// Differs from C: the reference sends whatever is there, zeros or another file.
    ///
    /// # Errors
    /// [`NetError`], also when the bytes of a large answer turn out to be wrong before its end: the connection must be
    /// closed then, so that no reader takes the answer for whole.
    pub async fn respond_with_checked_file(
        &mut self,
        file: &impl AsFd,
        offset: u64,
        len: u64,
        permits: &Permits,
        is_intact: impl Fn() -> io::Result<bool>,
    ) -> Result<bool, NetError> {
        const DOING: &str = "sending a file to";
        self.has_served = true;
        let header = Header::answer(Status::OK, len).to_bytes();
        if len <= SEND_COPIED_MAX_BYTES && self.buffer.filled().is_empty() {
            let permit = permits.take().await;
            let message = self.copied(file, offset, len as usize, &header)?;
            if !is_intact().map_err(|e| self.io(DOING, e))? {
                return Ok(false);
            }
            drop(permit);
            self.send(message.filled()).await?;
            return Ok(true);
        }
        let held_back = len.min(HELD_BACK_BYTES);
        let end = offset + len - held_back;
        self.send_header_of_file(&header).await?;
        // Copied, although the kernel could send from the file: it would send what is there when a slow client takes it.
        let mut at = offset;
        while at < end {
            let piece_len = (end - at).min(SEND_COPIED_MAX_BYTES);
            let permit = permits.take().await;
            let piece = self.copied(file, at, piece_len as usize, &[])?;
            drop(permit);
            self.send(piece.filled()).await?;
            at += piece_len;
        }
        let permit = permits.take().await;
        let last = self.copied(file, end, held_back as usize, &[])?;
        if !is_intact().map_err(|e| self.io(DOING, e))? {
            return Err(self.io(DOING, io::Error::other("it was deleted meanwhile")));
        }
        drop(permit);
        self.send(last.filled()).await?;
        Ok(true)
    }
}

const _: () = assert!(HEADER_LEN as u64 <= HELD_BACK_BYTES && HELD_BACK_BYTES < SEND_COPIED_MAX_BYTES);

#[cfg(test)]
mod tests {
    use super::super::tests::pair;
    use super::*;
    use std::cell::Cell;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;

    /// A deletion that comes just behind the check, before the client has taken anything.
    #[tokio::test]
    async fn what_was_checked_is_what_arrives() {
        use std::os::unix::fs::FileExt;
        let temp = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..40_000u32).map(|n| ((n * 31) >> 3) as u8 | 1).collect();
        std::fs::write(temp.path(), &content).unwrap();
        let file = std::fs::File::options().read(true).write(true).open(temp.path()).unwrap();
        let (mut client, mut conn) = pair(Duration::from_secs(5)).await;
        let is_intact = || file.write_all_at(&vec![0; content.len()], 0).map(|()| true);
        assert!(conn.respond_with_checked_file(&file, 0, 40_000, &Permits::new(1), is_intact).await.unwrap());
        let mut answer = vec![0; HEADER_LEN + content.len()];
        client.read_exact(&mut answer).await.unwrap();
        assert!(answer[HEADER_LEN..] == content, "zeros came instead");
    }

    #[tokio::test]
    async fn an_answer_is_whole_only_if_its_file_was_there_to_the_end() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..100_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
        std::fs::write(temp.path(), &content).unwrap();
        let file = std::fs::File::open(temp.path()).unwrap();
        for (offset, len) in [(0, 0), (5, 4096), (7, 16 << 10), (9, (16 << 10) + 1), (100, 90_000)] {
            for is_intact in [true, false] {
                let (mut client, mut conn) = pair(Duration::from_secs(5)).await;
                let checks = Cell::new(0);
                let sent = conn
                    .respond_with_checked_file(&file, offset, len, &Permits::new(1), || {
                        checks.set(checks.get() + 1);
                        Ok(is_intact)
                    })
                    .await;
                assert_eq!(checks.get(), 1);
                match (is_intact, len <= 16 << 10) {
                    (true, _) => assert!(sent.unwrap()),
                    (false, true) => assert!(!sent.unwrap()),
                    (false, false) => assert!(sent.is_err()),
                }
                drop(conn);
                let mut got = Vec::new();
                client.read_to_end(&mut got).await.unwrap();
                if is_intact {
                    assert_eq!(got[..HEADER_LEN], Header::answer(Status::OK, len).to_bytes());
                    assert!(got[HEADER_LEN..] == content[offset as usize..][..len as usize]);
                } else {
                    assert!(got.is_empty() || got.len() < HEADER_LEN + len as usize);
                }
            }
        }
    }
}
