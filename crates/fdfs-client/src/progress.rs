//! Who wants to know how far a transfer is.

use std::fmt;
use std::sync::Arc;

/// Is told how many bytes of a file have been moved so far. A transfer that begins anew, on another storage, counts
/// from 0 again. Nobody listens by default.
///
/// ```
/// use fdfs_client::{Progress, UploadOptions};
///
/// let options = UploadOptions::new().progress(Progress::new(|bytes| eprintln!("{bytes} bytes sent")));
/// ```
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(u64) + Send + Sync>>);

impl Progress {
    /// Calls `listener` with the number of bytes after every piece. It is called inside the transfer: it must be quick.
    #[must_use]
    pub fn new(listener: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// The same listener for a part of the transfer: `base` bytes were moved before.
    pub(crate) fn after(&self, base: u64) -> Self {
        let listener = self.0.clone();
        Self(
            listener
                .map(|listener| -> Arc<dyn Fn(u64) + Send + Sync> { Arc::new(move |bytes| listener(base + bytes)) }),
        )
    }

    pub(crate) fn tell(&self, bytes: u64) {
        if let Some(listener) = &self.0 {
            listener(bytes);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(..)" } else { "Progress(none)" })
    }
}
