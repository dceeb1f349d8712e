//! Names of files that are relative to the top configuration file.

/// The folder of a file, without a trailing slash; empty for a bare name.
fn folder_of(top: &str) -> &str {
    match top.rfind('/') {
        None => "",
        Some(0) => "/",
        Some(end) => &top[..end],
    }
}

/// What a name inside of the configuration `top` means: absolute names and URLs stay, `file://` is taken off,
/// everything else is relative to the folder of the **top** file, also when it stands in an included one.
///
/// Source: configuration, 1.3.
#[must_use]
pub(crate) fn resolve(top: &str, name: &str) -> String {
    let name = name.strip_prefix("file://").unwrap_or(name);
    if name.starts_with('/') || name.contains("://") {
        return name.to_owned();
    }
    match folder_of(top.strip_prefix("file://").unwrap_or(top)) {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_top_file() {
        assert_eq!(resolve("/etc/fdfs/a.conf", "b.conf"), "/etc/fdfs/b.conf");
        assert_eq!(resolve("/a.conf", "b.conf"), "/b.conf");
        assert_eq!(resolve("a.conf", "b.conf"), "b.conf");
        assert_eq!(resolve("/etc/a.conf", "file:///x/b.conf"), "/x/b.conf");
        assert_eq!(resolve("/etc/a.conf", "file://b.conf"), "/etc/b.conf");
        assert_eq!(resolve("/etc/a.conf", "http://h/b.conf"), "http://h/b.conf");
        assert_eq!(resolve("http://h/d/a.conf", "b.conf"), "http://h/d/b.conf");
    }
}
