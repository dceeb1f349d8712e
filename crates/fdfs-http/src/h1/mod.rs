//! HTTP/1.0 and 1.1 on plain sockets.
//!
//! * [`head`]: the head of a request, read strictly; [`body`]: its body;
//! * [`stream`]: the socket, with time-outs and `sendfile`; [`send`]: an answer goes out;
//! * [`connection`]: one request after the other.

pub mod body;
pub mod connection;
pub mod head;
pub mod send;
pub mod stream;
