//! The log keys as the log crate takes them.

use fdfs_conf::LogConf;
use fdfs_log::RotationSettings;

/// How a log file rotates.
#[must_use]
pub fn rotation(conf: &LogConf) -> RotationSettings {
    RotationSettings {
        everyday: conf.rotate_everyday,
        rotate_time_secs: conf.rotate_time.secs_of_day(),
        on_size_bytes: conf.rotate_on_size_bytes,
        compress_old: conf.compress_old,
        compress_days_before: conf.compress_days_before,
        keep_days: conf.keep_days,
        delete_old_time_secs: conf.delete_old_time.secs_of_day(),
        flush_interval_secs: u32::try_from(conf.sync_log_buff_interval_secs).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_crates_have_the_same_defaults() {
        let conf = fdfs_conf::StorageConf::default();
        assert_eq!(rotation(&conf.log), RotationSettings::default());
    }
}
