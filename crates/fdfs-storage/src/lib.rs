//! The storage server.
