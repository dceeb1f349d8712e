//! Networks of a test's own: network namespaces with cables between them. Needs root and the program `ip`; devices are made
//! inside the namespaces only.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Namespaces whose names no other process and no other test has; they go when this is dropped, with all devices in them.
#[derive(Debug)]
pub struct Namespaces {
    prefix: String,
    hosts: Vec<String>,
}

impl Namespaces {
    /// One namespace for each host, with its loopback device up. `None` where this may not be done.
    #[must_use]
    pub fn make(hosts: &[&str]) -> Option<Self> {
        let prefix = format!("fdfs{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let spaces = Self { prefix, hosts: hosts.iter().map(|host| (*host).to_owned()).collect() };
        let made = hosts
            .iter()
            .all(|host| ip(&["netns", "add", &spaces.name(host)]) && spaces.ip(host, &["link", "set", "lo", "up"]));
        made.then_some(spaces)
    }

    /// Runs `ip` in the namespace of `host`; whether it worked.
    #[must_use]
    pub fn ip(&self, host: &str, args: &[&str]) -> bool {
        ip(&[&["-n", &self.name(host)], args].concat())
    }

    /// A cable: a device `port` at `near`, a member of `bridge` if one is named, and a device `v0` with `addrs` at `far`.
    #[must_use]
    pub fn wire(&self, near: &str, port: &str, bridge: Option<&str>, far: &str, addrs: &[&str]) -> bool {
        let space = self.name(far);
        self.ip(near, &["link", "add", port, "type", "veth", "peer", "name", "v0", "netns", &space])
            && bridge.is_none_or(|bridge| self.ip(near, &["link", "set", port, "master", bridge]))
            && self.ip(near, &["link", "set", port, "up"])
            && addrs.iter().all(|addr| self.ip(far, &["addr", "add", addr, "dev", "v0"]))
            && self.ip(far, &["link", "set", "v0", "up"])
    }

    /// Runs `work` on a thread in the namespace of `host`; threads and processes that it starts are there, too.
    ///
    /// # Panics
    /// When that host has no namespace, and when `work` panics.
    pub fn inside<T: Send>(&self, host: &str, work: impl FnOnce() -> T + Send) -> T {
        let net = File::open(Path::new("/run/netns").join(self.name(host))).unwrap();
        std::thread::scope(|scope| {
            let enter = move || {
                move_into_link_name_space(net.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            };
            scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn name(&self, host: &str) -> String {
        format!("{}{host}", self.prefix)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for host in &self.hosts {
            ip(&["netns", "del", &self.name(host)]);
        }
    }
}

fn ip(args: &[&str]) -> bool {
    process::Command::new("ip").args(args).output().is_ok_and(|output| output.status.success())
}
