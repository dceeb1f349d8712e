//! Progress bars: on stderr, and only when that is a terminal, so that stdout is for scripts.

use fdfs_client::{FileId, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Smaller transfers are over before anybody could read a bar.
const WORTH_A_BAR_BYTES: u64 = 4 << 20;

const OF_KNOWN_SIZE: &str = "{wide_msg} {bytes:>11} of {total_bytes:11} [{bar:24}] {bytes_per_sec:>13} {eta:>4}";
const OF_UNKNOWN_SIZE: &str = "{wide_msg} {bytes:>11} {bytes_per_sec:>13}";

/// A bar; it disappears with this value.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for a transfer; `None`: nobody knows how many bytes.
    pub(crate) fn new(name: &str, size_bytes: Option<u64>) -> Self {
        let is_worth_it = size_bytes.is_none_or(|bytes| bytes >= WORTH_A_BAR_BYTES);
        // Indicatif draws nothing where stderr is no terminal.
        let target = if is_worth_it { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(size_bytes, target);
        let template = if size_bytes.is_some() { OF_KNOWN_SIZE } else { OF_UNKNOWN_SIZE };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(name.to_owned());
        Self(bar)
    }

    /// What moves the bar.
    pub(crate) fn listener(&self) -> Progress {
        let bar = self.0.clone();
        Progress::new(move |bytes| bar.set_position(bytes))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The size that an id tells, for regular files.
pub(crate) fn size_in_id(file: &FileId) -> Option<u64> {
    let name = file.logic_name().ok()?;
    name.fields().filter(|_| name.kind().is_normal()).map(|fields| fields.size_word.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_accepted() {
        for template in [OF_KNOWN_SIZE, OF_UNKNOWN_SIZE] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn the_size_comes_from_the_id_of_a_regular_file_only() {
        let size = |id: &str| size_in_id(&id.parse().unwrap());
        assert_eq!(size("group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt"), Some(11));
        assert_eq!(size("group1/M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log"), None);
        assert_eq!(size("group1/short"), None);
    }
}
