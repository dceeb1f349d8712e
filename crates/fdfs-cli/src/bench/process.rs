//! What the processes of the servers use: CPU time and resident memory, from `/proc`. Linux only.

use anyhow::Context as _;

/// The unit of CPU times in `/proc`, microseconds: the kernel shows 100 ticks a second to programs, whatever its own
/// clock does.
const TICK_US: u64 = 10_000;
/// How many columns of `/proc/PID/stat` stand between the name, which may hold blanks, and `utime`.
const COLUMNS_BEFORE_UTIME: usize = 11;

/// What processes have used so far, and hold now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time, user and system, of all threads, in microseconds; steps of 10 ms.
    pub(crate) cpu_us: u64,
    /// Resident memory in bytes.
    pub(crate) resident_bytes: u64,
}

/// The sum over some processes.
///
/// # Errors
/// A process that does not run, or a system without `/proc`.
pub(crate) fn usage(pids: &[u32]) -> anyhow::Result<Usage> {
    let mut sum = Usage::default();
    for pid in pids {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("--cpu-pid {pid}: read {path} (Linux only)"))
        };
        let cpu_us = cpu_us(&read("stat")?).with_context(|| format!("--cpu-pid {pid}: /proc/{pid}/stat"))?;
        sum.cpu_us += cpu_us;
        // A process that is just ending has no memory any more.
        sum.resident_bytes += resident_bytes(&read("status")?).unwrap_or(0);
    }
    Ok(sum)
}

/// `utime` and `stime`, fields 14 and 15 of `/proc/PID/stat`.
fn cpu_us(stat: &str) -> Option<u64> {
    let mut columns = stat.rsplit_once(") ")?.1.split(' ').skip(COLUMNS_BEFORE_UTIME);
    let user_ticks: u64 = columns.next()?.parse().ok()?;
    let system_ticks: u64 = columns.next()?.parse().ok()?;
    user_ticks.checked_add(system_ticks)?.checked_mul(TICK_US)
}

/// `VmRSS` of `/proc/PID/status`, which is in KB.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "4242 (a (bad) name) S 1 4242 4242 0 -1 4194560 100 0 0 0 123 45 0 0 20 0 5 0 9999 1000 200 0";
        assert_eq!(cpu_us(stat), Some(168 * TICK_US));
        assert_eq!(cpu_us("4242 (short) S 1"), None);
        let status = "Name:\tfdfs\nVmPeak:\t  9999 kB\nVmRSS:\t   40960 kB\nThreads:\t5\n";
        assert_eq!(resident_bytes(status), Some(40 << 20));
        assert_eq!(resident_bytes("Name:\tzombie\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_can_be_looked_at_and_a_missing_one_is_named() {
        let this = usage(&[std::process::id()]).unwrap();
        assert!(this.resident_bytes > 1 << 20, "{this:?}");
        let error = format!("{:#}", usage(&[u32::MAX]).unwrap_err());
        assert!(error.contains("--cpu-pid 4294967295") && error.contains("Linux only"), "{error}");
    }
}
