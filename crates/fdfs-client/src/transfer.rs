//! A request with content: its head and its bytes are sent piece by piece, then the answer is read.

use std::io;

use fdfs_net::{Answer, NetError, Pooled};
use fdfs_proto::Command;

use crate::Progress;
use crate::content::Content;

/// Content up to this size is sent in one piece with its head.
const ONE_PIECE_MAX_BYTES: usize = 64 * 1024;

/// What is sent in front of the content, and what comes back.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) command: Command,
    pub(crate) head: Vec<u8>,
    /// The longest answer, in bytes. 0: the answer should be empty, and what is in it is thrown away.
    pub(crate) max_answer: usize,
}

/// Why a transfer failed.
pub(crate) enum SendError {
    Net(NetError),
    Content(io::Error),
}

impl From<NetError> for SendError {
    fn from(error: NetError) -> Self {
        Self::Net(error)
    }
}

/// Sends a request whose content was begun and reads its answer.
pub(crate) async fn send(
    conn: &mut Pooled,
    front: &Front,
    content: &mut Content<'_>,
    progress: &Progress,
) -> Result<Answer, SendError> {
    let content_len = content.len();
    let total = front.head.len() as u64 + content_len;
    let mut left = content_len;
    match content {
        Content::Bytes { bytes, .. } if bytes.len() <= ONE_PIECE_MAX_BYTES => {
            let all = [front.head.as_slice(), bytes].concat();
            conn.send_request_head(front.command, 0, total, &all).await?;
            left = 0;
        }
        _ => conn.send_request_head(front.command, 0, total, &front.head).await?,
    }
    progress.tell(content_len - left);
    while left > 0 {
        let piece = content.next(left).await.map_err(SendError::Content)?;
        let piece_len = piece.len() as u64;
        if let Err(error) = conn.send_content(piece).await {
            return early_answer(conn, error).await;
        }
        left -= piece_len;
        progress.tell(content_len - left);
        if left > 0 && conn.has_early_answer() {
            let error = NetError::Closed { peer: conn.peer_addr(), doing: "sending a file to" };
            return early_answer(conn, error).await;
        }
    }
    if front.max_answer == 0 {
        return Ok(Answer { status: conn.read_empty_answer().await?, body: Vec::new() });
    }
    Ok(conn.read_answer(front.max_answer).await?)
}

/// The answer of a storage that did not wait for the whole content: always an error status.
async fn early_answer(conn: &mut Pooled, error: NetError) -> Result<Answer, SendError> {
    let status = conn.read_early_answer(error).await?;
    Ok(Answer { status, body: Vec::new() })
}
