//! Configuration files from the disk, and the facts about this host that they may ask for.

use std::fs::File;
use std::io::Read as _;

use fdfs_conf::ini::FILE_BYTES_MAX;
use fdfs_conf::{Env, LoadError, Loader};
use fdfs_proto::Status;

/// Loads files by their paths. URLs are refused: fdfs has no HTTP client for its configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileLoader;

impl Loader for FileLoader {
    fn load(&self, location: &str) -> Result<Vec<u8>, LoadError> {
        let path = location.strip_prefix("file://").unwrap_or(location);
        if path.contains("://") {
            // Differs from C: an include from a web server is refused; what a daemon starts with should lie on its disk.
            let what = "fdfs reads its configuration from files only: fetch it and include the local file".to_owned();
            return Err(LoadError { status: Status::EOPNOTSUPP, what });
        }
        let load = || {
            let mut bytes = Vec::new();
            // One byte more than the limit is enough for the parser to see that it is passed.
            File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        load().map_err(|error: std::io::Error| LoadError {
            status: Status::from_io(&error),
            // The library's words without "(os error 2)", which says the same again.
            what: match Status::from_io(&error) {
                status if status.name().is_some() && error.raw_os_error().is_some() => status.text().to_owned(),
                _ => error.to_string(),
            },
        })
    }
}

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
