//! `fdfs_volumn_stat [-c CONFIG] [-A | -N | -F] [-D | -d] [-T | -t]`. The odd spelling is the reference's.

use fdfs_client::{Client, ClientError};
use fdfs_proto::cmd::tracker::{VolumeRow, VolumeStat, VolumeStatRequest};
use jiff::tz::TimeZone;

use super::Stat;
use crate::human::megabytes;

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct VolumnStat {
    pub(super) which: VolumeStatRequest,
}

impl Stat for VolumnStat {
    const LETTERS: &'static str = "ANFDdTt";

    fn usage(program: &str) -> String {
        format!(
            "Usage: {program} [-c config_filename=/etc/fdfs/client.conf]\n\
             \t[-A] list space available groups / volumns\n\
             \t[-N | -F] list None space available groups / volumns\n\
             \t[-D] list disk space available groups / volumns\n\
             \t[-d] list None disk space available groups / volumns\n\n\
             When use_trunk_file is true, including options:\n\
             \t[-T] list trunk space available groups / volumns\n\
             \t[-t] list None trunk space available groups / volumns\n\n\
             Note: space available when disk space available or trunk space available\n\n\
             For example:\n\
             \t{program} -A\n\
             \t{program} -N\n"
        )
    }

    fn option(&mut self, letter: char) {
        match letter {
            'A' | 'N' | 'F' => self.which.is_space_available = Some(letter == 'A'),
            'D' | 'd' => self.which.is_disk_available = Some(letter == 'D'),
            _ => self.which.is_trunk_available = Some(letter == 'T'),
        }
    }

    async fn text(&self, client: &Client, _: &TimeZone) -> Result<String, ClientError> {
        Ok(lines(&client.volumes(&self.which).await?))
    }
}

/// The space of one group, or of all.
#[derive(Debug, Default)]
struct Space {
    total_mb: u64,
    free_mb: u64,
    reserved_mb: u64,
    available_mb: u64,
    trunk_free_mb: u64,
    is_disk_available: bool,
    is_trunk_available: bool,
}

impl Space {
    fn of(row: &VolumeRow) -> Self {
        Self {
            total_mb: row.total_mb,
            free_mb: row.free_mb,
            reserved_mb: row.reserved_mb,
            available_mb: u64::try_from(row.available_mb).unwrap_or_default(),
            trunk_free_mb: row.trunk_free_mb,
            is_disk_available: row.is_disk_available,
            is_trunk_available: row.is_trunk_available,
        }
    }

    fn add(&mut self, other: &Self) {
        let sum = |mb: &mut u64, add: u64| *mb = mb.saturating_add(add);
        sum(&mut self.total_mb, other.total_mb);
        sum(&mut self.free_mb, other.free_mb);
        sum(&mut self.reserved_mb, other.reserved_mb);
        sum(&mut self.available_mb, other.available_mb);
        sum(&mut self.trunk_free_mb, other.trunk_free_mb);
        self.is_disk_available |= other.is_disk_available;
        self.is_trunk_available |= other.is_trunk_available;
    }

    fn line(&self, name: &str, use_trunk_file: bool) -> String {
        let usable = self.total_mb.saturating_sub(self.reserved_mb);
        let mut text = format!("{name} disk_available: {}, ", u8::from(self.is_disk_available));
        if use_trunk_file {
            text.push_str(&format!("trunk_available: {}, ", u8::from(self.is_trunk_available)));
        }
        text.push_str(&format!(
            "disk space {{total: {}, free: {}, reserved: {}, avail: {}, util: {}}}",
            megabytes(self.total_mb),
            megabytes(self.free_mb),
            megabytes(self.reserved_mb),
            megabytes(self.available_mb),
            percent(usable.saturating_sub(self.available_mb), usable)
        ));
        if use_trunk_file {
            let available = self.available_mb.saturating_add(self.trunk_free_mb);
            text.push_str(&format!(
                ", trunk free space: {}, total available {{space: {}, ratio: {}}}",
                megabytes(self.trunk_free_mb),
                megabytes(available),
                percent(available, usable)
            ));
        }
        text + "\n\n"
    }
}

/// `71.63%`.
fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    format!("{share:.2}%")
}

/// Nothing at all when there is no group.
pub(super) fn lines(stat: &VolumeStat) -> String {
    const RULE: &str = "================================";
    if stat.groups.is_empty() {
        return String::new();
    }
    let (mut text, mut all, mut available_count) = ("\n".to_owned(), Space::default(), 0);
    for row in &stat.groups {
        let space = Space::of(row);
        text.push_str(&space.line(row.group.as_str(), stat.use_trunk_file));
        available_count += usize::from(space.is_disk_available || space.is_trunk_available);
        all.add(&space);
    }
    match stat.groups.len() {
        1 => text.push_str("storage volumn / group count: 1\n\n"),
        count => {
            text.push_str(&format!("{RULE} VOLUMNS SUMMARY {RULE}\n{}", all.line("", stat.use_trunk_file)));
            text.push_str(&format!("volumn / group counts {{total: {count}, available: {available_count}}}\n\n"));
        }
    }
    text
}
