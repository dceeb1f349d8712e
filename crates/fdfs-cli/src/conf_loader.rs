//! Configuration files from the disk, and the facts about this host that they may ask for.

use fdfs_conf::Env;
pub(crate) use fdfs_daemon::FileLoader;

/// The addresses and the name of this host.
pub(crate) fn host_env() -> Env {
    let mut local_ips = Vec::new();
    // A host whose interfaces cannot be listed is one about which nothing is known.
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let Some(address) = interface.address else { continue };
        let ip = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => v4.ip().into(),
            (None, Some(v6)) => v6.ip().into(),
            (None, None) => continue,
        };
        if !local_ips.contains(&ip) {
            local_ips.push(ip);
        }
    }
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Env { local_ips, host_name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_conf::Loader as _;
    use fdfs_proto::Status;

    #[test]
    fn files_come_by_path_and_by_file_url_and_other_urls_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.conf");
        std::fs::write(&path, "port = 1\n").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(FileLoader.load(path).unwrap(), b"port = 1\n");
        assert_eq!(FileLoader.load(&format!("file://{path}")).unwrap(), b"port = 1\n");
        let missing = FileLoader.load("/no/such.conf").unwrap_err();
        assert_eq!((missing.status, missing.what.as_str()), (Status::ENOENT, "No such file or directory"));
        assert_eq!(FileLoader.load("http://h/a.conf").unwrap_err().status, Status::EOPNOTSUPP);
        assert_eq!(FileLoader.load(dir.path().to_str().unwrap()).unwrap_err().status, Status::EISDIR);
    }

    #[test]
    fn this_host_has_a_loopback_address_and_a_name() {
        let env = host_env();
        assert!(env.local_ips.iter().any(std::net::IpAddr::is_loopback), "{env:?}");
        assert!(!env.host_name.is_empty());
    }
}
