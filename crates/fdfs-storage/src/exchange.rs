//! One request and its answer on a connection: how much of the body is still to come, and what goes back.

use std::net::SocketAddr;

use fdfs_net::connection::DataConnection;
use fdfs_net::{NetError, Permits};
use fdfs_proto::{FileName, Header, Reader, Status, Wire};
use fdfs_store::StoredFile;

use crate::error::RequestError;
use crate::sync_peer::SyncPeer;

/// What a command answers with status 0.
#[derive(Debug)]
pub enum Reply {
    /// An empty body.
    Empty,
    /// The bytes in [`Exchange::answer`].
    Body,
    /// An empty body and another status, which is no error: what replication is told of a change that has no effect.
    Status(Status),
    /// Nothing more: the answer is out, and the connection ends with it.
    End,
    /// A range of a file.
    File {
        /// The open file.
        file: StoredFile,
        /// Who may read it.
        permits: Permits,
        /// The first byte of its content.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
}

/// One request: its header, the part of its body that has come in, and room for the answer.
#[derive(Debug)]
pub struct Exchange<'c> {
    conn: &'c mut DataConnection,
    header: Header,
    body_len: u64,
    /// Bytes of the body that were not consumed yet.
    left: u64,
    /// The body of the answer; kept by the connection's task, so that it is not allocated again.
    pub answer: &'c mut Vec<u8>,
    /// Bytes of a file in the body, as its head says; 0 for requests without.
    pub content_len: u64,
    /// What the access log calls the file.
    pub log_name: Option<FileName>,
    /// Who replicates on the connection.
    pub sync_peer: &'c mut SyncPeer,
}

impl<'c> Exchange<'c> {
    /// A request whose header has been read and whose length is legal.
    pub fn new(
        conn: &'c mut DataConnection,
        header: Header,
        body_len: u64,
        answer: &'c mut Vec<u8>,
        sync_peer: &'c mut SyncPeer,
    ) -> Self {
        answer.clear();
        Self { conn, header, body_len, left: body_len, answer, content_len: 0, log_name: None, sync_peer }
    }

    /// Bytes of the body as announced.
    #[must_use]
    pub const fn body_len(&self) -> u64 {
        self.body_len
    }

    /// The status byte of the request: flags, for some commands.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.header.status
    }

    /// Bytes of the body that were not consumed.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// The connection, once the request is done with.
    pub const fn connection(&mut self) -> &mut DataConnection {
        self.conn
    }

    /// The other side.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.conn.peer()
    }

    /// Whether `len` bytes fit the connection's buffer.
    #[must_use]
    pub const fn fits_buffer(&self, len: u64) -> bool {
        len <= self.conn.buff_size_bytes() as u64
    }

    /// Waits for the whole body of a request that carries no file, and reads it.
    ///
    /// # Errors
    /// [`RequestError::BodyTooLong`] at once for a body that is larger than the buffer; [`RequestError::Wire`].
    pub async fn decode<T: Wire>(&mut self) -> Result<T, RequestError> {
        Ok(T::from_bytes(self.whole_body().await?)?)
    }

    /// Waits for the whole body of a request that carries no file.
    ///
    /// # Errors
    /// [`RequestError::BodyTooLong`], [`RequestError::Net`].
    pub async fn whole_body(&mut self) -> Result<&[u8], RequestError> {
        if !self.fits_buffer(self.body_len) {
            let (number, max) = (self.header.command, self.conn.buff_size_bytes());
            return Err(RequestError::BodyTooLong { number, len: self.body_len, max });
        }
        let len = self.body_len as usize;
        self.conn.buffer_body(len).await?;
        Ok(&self.conn.buffered()[..len])
    }

    /// Reads the head of a request whose body goes on with a file's content: waits for `head_len` bytes, or for the
    /// whole body if that is small, so that small files need no second wait.
    ///
    /// # Errors
    /// [`RequestError::Wire`], [`RequestError::Net`].
    pub async fn decode_head<T: Wire>(&mut self, head_len: usize) -> Result<T, RequestError> {
        let is_small = self.body_len <= self.conn.whole_max_bytes() as u64;
        let wait = if is_small { self.body_len } else { self.body_len.min(head_len as u64) };
        self.conn.buffer_body(wait as usize).await?;
        let mut reader = Reader::new(&self.conn.buffered()[..wait as usize]);
        let head = T::decode(&mut reader)?;
        let used = reader.position();
        self.consume(used);
        Ok(head)
    }

    /// What is left of a body that is here as a whole; `None` when it is larger than the buffer.
    #[must_use]
    pub fn whole_content(&self) -> Option<&[u8]> {
        self.conn.buffered().get(..usize::try_from(self.left).ok()?)
    }

    /// Waits for the next piece of the content, and returns its length.
    ///
    /// # Errors
    /// [`RequestError::Net`].
    pub async fn next_piece(&mut self) -> Result<usize, RequestError> {
        Ok(self.conn.next_piece(self.left).await?)
    }

    /// The first `len` bytes that are buffered.
    #[must_use]
    pub fn piece(&self, len: usize) -> &[u8] {
        &self.conn.buffered()[..len]
    }

    /// Marks bytes of the body as used.
    pub fn consume(&mut self, len: usize) {
        self.conn.consume(len);
        self.left -= len as u64;
    }

    /// Sends [`Exchange::answer`] with status 0.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn send_answer(self) -> Result<(), NetError> {
        self.conn.respond(Status::OK, self.answer).await
    }

    /// Reads and drops the rest of the body.
    ///
    /// # Errors
    /// [`RequestError::Net`].
    pub async fn drain(&mut self) -> Result<(), RequestError> {
        self.drop_buffered();
        let left = std::mem::take(&mut self.left);
        Ok(self.conn.drain(left).await?)
    }

    /// Drops what has come in of the body and was not used.
    pub fn drop_buffered(&mut self) {
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.conn.buffered().len());
        self.consume(len);
    }
}
