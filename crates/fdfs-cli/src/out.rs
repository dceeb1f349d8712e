//! Standard output of programs that end in pipes.

use std::io::{self, Write as _};

use fdfs_proto::Status;

/// Writes to standard output and flushes it. When nobody reads any more (`fdfs monitor | head -1`) the program ends, as
/// a C program is ended by SIGPIPE there.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        std::process::exit(i32::from(Status::from_io(&error).0));
    }
}

/// The same with a line feed.
pub(crate) fn line(text: &str) {
    print(&format!("{text}\n"));
}
