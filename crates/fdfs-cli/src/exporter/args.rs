//! The command line and the configuration file of `fdfs_exporter`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fdfs_conf::ini::Ini;
use fdfs_conf::value::parse_bool;
use fdfs_proto::Status;

use crate::conf_loader::{FileLoader, host_env};

const DEFAULT_CLIENT_CONF: &str = "/etc/fdfs/client.conf";
const DEFAULT_PORT: u16 = 9898;
/// User name and password together, in bytes.
const CREDENTIALS_LEN_MAX: usize = 126;

/// Why the program does not run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Help,
    /// An option, in the words of the C library.
    Option(String),
    Port(String),
    /// The configuration file: lines for the log.
    Conf {
        status: Status,
        lines: Vec<String>,
    },
}

/// What stands on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLine {
    bind: Option<String>,
    conf: Option<String>,
    client_conf: Option<String>,
    port: Option<u16>,
    as_daemon: bool,
}

/// What it runs with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    bind: IpAddr,
    pub(super) port: u16,
    pub(super) client_conf: String,
    pub(super) as_daemon: bool,
    /// What must stand behind `Authorization: Basic `.
    pub(super) authorization: Option<String>,
}

impl Settings {
    pub(super) const fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }
}

/// Long options and their letters.
const LONG: [(&str, char); 5] =
    [("bind_addr", 'B'), ("config_file", 'c'), ("fdfs_client_cfg", 'f'), ("daemon", 'd'), ("port", 'P')];

impl CommandLine {
    /// `--help` is not known, although the usage says so.
    pub(super) fn parse(words: &[String]) -> Result<Self, Wrong> {
        let mut short = Vec::new();
        for word in words {
            let Some(long) = word.strip_prefix("--") else {
                short.push(word.clone());
                continue;
            };
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let known = LONG.iter().find(|(known, _)| *known == name);
            let (_, letter) = known.ok_or_else(|| Wrong::Option(format!("unrecognized option '{word}'")))?;
            short.push(format!("-{letter}{}", value.unwrap_or_default()));
        }
        let mut line = Self::default();
        let options = crate::stat_programs::parse_options("hB:c:f:dP:", &short);
        for option in options.map_err(|wrong| Wrong::Option(wrong.to_string()))? {
            let value = option.value.unwrap_or_default();
            match option.letter {
                'h' => return Err(Wrong::Help),
                'B' => line.bind = Some(value),
                'c' => line.conf = Some(value),
                'f' => line.client_conf = Some(value),
                'd' => line.as_daemon = true,
                _ => line.port = Some(port(&value).ok_or(Wrong::Port(value))?),
            }
        }
        Ok(line)
    }

    /// Reads the configuration file, if one is named; the command line wins over it.
    pub(super) fn settings(self) -> Result<Settings, Wrong> {
        let Self { bind, conf, client_conf, port: given_port, as_daemon } = self;
        let invalid = |line: String| Wrong::Conf { status: Status::EINVAL, lines: vec![line] };
        let ini = conf.as_deref().map_or_else(|| Ok(Ini::default()), read)?;
        let text = |section: &str, name: &str| ini.last(section, name).map(|item| item.value.as_str());
        let given = |name: &str| text("", name).filter(|value| !value.is_empty());

        let bind = bind.as_deref().or_else(|| given("bind_addr"));
        let bind = match bind {
            None => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            Some(bind) => bind.parse().map_err(|_| invalid(format!("invalid bind_addr: {bind}")))?,
        };
        let port = match (given_port, given("port")) {
            (Some(port), _) => port,
            (None, Some(word)) => port(word).ok_or_else(|| invalid(format!("invalid port number: {word}")))?,
            (None, None) => DEFAULT_PORT,
        };
        let client_conf = match (client_conf, text("", "fdfs_client_cfg")) {
            (Some(client_conf), _) => client_conf,
            (None, Some("")) => return Err(invalid("fdfs_client_cfg is empty".to_owned())),
            (None, Some(client_conf)) => client_conf.to_owned(),
            (None, None) => DEFAULT_CLIENT_CONF.to_owned(),
        };
        let as_daemon = as_daemon || given("daemon").and_then(parse_bool).unwrap_or(false);
        let authorization = match text("auth", "method").unwrap_or("none") {
            "" | "none" => None,
            "basic" => {
                let credential = |name: &str| {
                    let value = text("auth", name).filter(|value| !value.is_empty());
                    value.ok_or_else(|| invalid(format!("auth method basic needs {name} in section [auth]")))
                };
                let credentials = format!("{}:{}", credential("username")?, credential("password")?);
                if credentials.len() > CREDENTIALS_LEN_MAX + 1 {
                    let most = CREDENTIALS_LEN_MAX;
                    return Err(invalid(format!("username and password have more than {most} bytes")));
                }
                Some(base64(credentials.as_bytes()))
            }
            // Spelt so by the reference.
            other => return Err(invalid(format!("unkown auth method: {other}!"))),
        };
        Ok(Settings { bind, port, client_conf, as_daemon, authorization })
    }
}

fn port(word: &str) -> Option<u16> {
    word.parse().ok().filter(|&port| port > 0)
}

fn read(path: &str) -> Result<Ini, Wrong> {
    let failed = |status: Status, first: String| {
        let second = format!("load conf file \"{path}\" fail, ret code: {}", status.0);
        Wrong::Conf { status, lines: vec![first, second] }
    };
    match std::fs::metadata(path) {
        Ok(facts) if !facts.is_file() => return Err(failed(Status::EINVAL, format!("{path} is not a regular file"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(failed(Status::ENOENT, format!("file {path} not exist")));
        }
        _ => {}
    }
    Ini::read(path, &FileLoader, &host_env()).map_err(|error| failed(error.status(), error.to_string()))
}

/// Base64 as HTTP has it, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * at) & 0x3F) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Result<Settings, Wrong> {
        let words: Vec<_> = line.split_ascii_whitespace().map(str::to_owned).collect();
        CommandLine::parse(&words)?.settings()
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.conf");
        let text = "bind_addr = 127.0.0.1\nport = 9899\nfdfs_client_cfg = c.conf\ndaemon = true\n[auth]\n\
                    method = basic\nusername = admin\npassword = secret\n";
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let plain = settings("").unwrap();
        assert_eq!((plain.addr().to_string().as_str(), plain.authorization), ("0.0.0.0:9898", None));
        assert_eq!((plain.client_conf.as_str(), plain.as_daemon), (DEFAULT_CLIENT_CONF, false));
        let of_file = settings(&format!("-c {path}")).unwrap();
        assert_eq!((of_file.addr().to_string().as_str(), of_file.as_daemon), ("127.0.0.1:9899", true));
        assert_eq!(of_file.authorization.as_deref(), Some("YWRtaW46c2VjcmV0"));
        let both = settings(&format!("--config_file={path} --port 9 -B ::1 --fdfs_client_cfg x.conf -d")).unwrap();
        assert_eq!((both.addr().to_string().as_str(), both.client_conf.as_str()), ("[::1]:9", "x.conf"));
    }

    #[test]
    fn what_is_wrong_is_said_as_the_reference_says_it() {
        assert_eq!(settings("-h"), Err(Wrong::Help));
        assert_eq!(settings("--help"), Err(Wrong::Option("unrecognized option '--help'".to_owned())));
        assert_eq!(settings("-P 0"), Err(Wrong::Port("0".to_owned())));
        assert_eq!(settings("-P 65536"), Err(Wrong::Port("65536".to_owned())));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.conf");
        let file = path.to_str().unwrap();
        for (text, line) in [
            ("[auth]\nmethod = digest\n", "unkown auth method: digest!"),
            ("[auth]\nmethod = basic\n", "auth method basic needs username in section [auth]"),
            ("port = 70000\n", "invalid port number: 70000"),
            ("fdfs_client_cfg =\n", "fdfs_client_cfg is empty"),
        ] {
            std::fs::write(&path, text).unwrap();
            let Err(Wrong::Conf { status, lines }) = settings(&format!("-c {file}")) else { panic!("{text}") };
            assert_eq!((status, lines), (Status::EINVAL, vec![line.to_owned()]));
        }
        let Err(Wrong::Conf { status, lines }) = settings("-c /dev/null") else { panic!() };
        assert_eq!((status, lines[0].as_str()), (Status::EINVAL, "/dev/null is not a regular file"));
    }

    #[test]
    fn base64_has_padding() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
