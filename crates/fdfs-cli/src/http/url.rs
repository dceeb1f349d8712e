//! `fdfs url sign` and `fdfs url token`: URLs that let somebody read for a while.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use fdfs_client::FileId;
use fdfs_http::pure::token::{SIGNING_KEY_BYTES_MIN, SigningKey};
use fdfs_proto::Status;
use fdfs_proto::token::token;

use crate::exit::failure;
use crate::out;

/// What `fdfs url` does.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print a URL that is signed with a key of http.signing_key
    Sign(Args),
    /// Print a URL with a token of http.anti_steal.secret_key
    Token(Args),
}

/// What both take.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  fdfs url sign group1/M00/00/00/... --key-file key --base https://files.example.com --expires 600")]
pub(crate) struct Args {
    /// The file
    id: FileId,
    /// The file with the secret; of signed URLs SECRET or ID:SECRET
    #[arg(long, value_name = "FILE", required_unless_present = "key")]
    key_file: Option<PathBuf>,
    /// The secret itself; other users of this machine can see it
    #[arg(long, value_name = "SECRET", env = "FDFS_URL_KEY", hide_env_values = true)]
    key: Option<String>,
    /// What stands before the path
    #[arg(long, value_name = "URL", default_value = "")]
    base: String,
    /// Seconds for which a signed URL is good; a token is good as long as the server says
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    expires: i64,
    /// The name under which the file is saved
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
}

/// Prints the URL.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    out::line(&match command {
        Command::Sign(args) => signed(args, i64::try_from(now).unwrap_or(i64::MAX))?,
        Command::Token(args) => with_token(args, now)?,
    });
    Ok(())
}

fn secret(args: &Args) -> anyhow::Result<String> {
    match (&args.key, &args.key_file) {
        (Some(key), _) => Ok(key.clone()),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, None) => Err(failure(Status::EINVAL, "a key is needed")),
    }
}

fn signed(args: &Args, now: i64) -> anyhow::Result<String> {
    let key = SigningKey::parse(&secret(args)?).ok_or_else(|| {
        failure(Status::EINVAL, format!("a key is a secret of at least {SIGNING_KEY_BYTES_MIN} bytes, or ID:SECRET"))
    })?;
    let path = format!("/{}", args.id);
    let query = key.sign(&path, now.saturating_add(args.expires), args.filename.as_deref());
    Ok(format!("{}{path}?{query}{}", args.base.trim_end_matches('/'), filename_argument(args)))
}

fn with_token(args: &Args, now: u64) -> anyhow::Result<String> {
    let token = token(args.id.name.as_str(), &secret(args)?, now);
    let base = args.base.trim_end_matches('/');
    Ok(format!("{base}/{}?token={token}&ts={now}{}", args.id, filename_argument(args)))
}

fn filename_argument(args: &Args) -> String {
    let Some(name) = &args.filename else { return String::new() };
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let encode = |b: u8| if is_plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    format!("&filename={}", name.bytes().map(encode).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_http::pure::query::Query;
    use fdfs_http::pure::token::{check_signed, check_token};

    #[test]
    fn what_is_printed_is_let_through() {
        let args = Args {
            id: "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap(),
            key_file: None,
            key: Some("k1:0123456789abcdef".to_owned()),
            base: "http://h/".to_owned(),
            expires: 600,
            filename: Some("a b&c.txt".to_owned()),
        };
        let key = SigningKey::parse("k1:0123456789abcdef").unwrap();
        let url = signed(&args, 1000).unwrap();
        let (path, query) = url.strip_prefix("http://h").unwrap().split_once('?').unwrap();
        let query = Query::parse(query.as_bytes());
        assert_eq!(query.text("filename"), Some("a b&c.txt"));
        assert!(check_signed(&query, path.as_bytes(), std::slice::from_ref(&key), 1600).is_ok());
        assert!(check_signed(&query, path.as_bytes(), &[key], 1601).is_err());
        let url = with_token(&args, 1000).unwrap();
        let (_, query) = url.split_once('?').unwrap();
        let name = args.id.name;
        assert!(check_token(&Query::parse(query.as_bytes()), name.as_str(), "k1:0123456789abcdef", 60, 1010).is_ok());
    }
}
