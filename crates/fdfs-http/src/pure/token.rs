//! Who may read: the token of the reference ("anti-steal") and signed URLs.
//!
//! Source: HTTP, 15.

use fdfs_proto::token::token;
use ring::hmac;

use super::query::Query;

/// The secret of the sample file: everybody knows it.
pub const SAMPLE_SECRET: &str = "FastDFS1234567890";
/// The shortest key for signed URLs, in bytes.
pub const SIGNING_KEY_BYTES_MIN: usize = 16;

/// Why a request may not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// An argument is missing.
    #[error("the URL has no token")]
    Missing,
    /// The token is wrong.
    #[error("the token is wrong")]
    Wrong,
    /// The token is too old.
    #[error("the token has expired")]
    Expired,
}

/// Checks `?token=T&ts=N` as the reference does: `name` is without its group, `ts` 0 never expires, a `ts` in the future is
/// as good as any.
///
/// Differs from C: how long it takes does not tell how much of a wrong token was right.
///
/// # Errors
/// [`TokenError`].
pub fn check_token(query: &Query, name: &str, secret: &str, ttl_secs: u64, now: i64) -> Result<(), TokenError> {
    let (Some(given), Some(ts)) = (query.get("token"), query.get("ts")) else { return Err(TokenError::Missing) };
    let ts = leading_number(ts);
    if given.len() != 32 {
        return Err(TokenError::Wrong);
    }
    if ts != 0 && now.saturating_sub(ts) > i64::try_from(ttl_secs).unwrap_or(i64::MAX) {
        return Err(TokenError::Expired);
    }
    let Ok(ts) = u64::try_from(ts) else { return Err(TokenError::Expired) };
    if is_same(given, token(name, secret, ts).as_bytes()) { Ok(()) } else { Err(TokenError::Wrong) }
}

/// The number that a text begins with, else 0.
fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let digits = digits.iter().take_while(|b| b.is_ascii_digit());
    sign * digits.fold(0i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')))
}

/// Compares without telling by its duration where the first difference is.
#[must_use]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// A key for signed URLs.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name in the URL; empty for the only one.
    pub id: String,
    key: hmac::Key,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A key.
    #[must_use]
    pub fn new(id: &str, secret: &[u8]) -> Self {
        Self { id: id.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// `ID:SECRET` or `SECRET`; `None` for a secret that is too short.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once(':').unwrap_or(("", text));
        let is_id = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (is_id && secret.len() >= SIGNING_KEY_BYTES_MIN).then(|| Self::new(id, secret.as_bytes()))
    }

    /// The arguments that let anybody read `path` (decoded, `/group1/M00/...`) until `expires` (unix seconds), under this
    /// download name if there is one.
    #[must_use]
    pub fn sign(&self, path: &str, expires: i64, filename: Option<&str>) -> String {
        let sum = hmac::sign(&self.key, &message(path.as_bytes(), expires, filename.map(str::as_bytes)));
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = if self.id.is_empty() { String::new() } else { format!("&key={}", self.id) };
        format!("expires={expires}{key}&signature={hex}")
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let hex = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = signature.chunks(2).map(hex).collect();
        signature.len() == 64 && bytes.is_some_and(|bytes| hmac::verify(&self.key, message, &bytes).is_ok())
    }
}

/// What is signed: method, path, expiry, and the name under which the file is saved.
fn message(path: &[u8], expires: i64, filename: Option<&[u8]>) -> Vec<u8> {
    [b"GET\n", path, b"\n", expires.to_string().as_bytes(), b"\n", filename.unwrap_or_default()].concat()
}

/// Checks `?expires=N[&key=ID]&signature=HEX`.
///
/// # Errors
/// [`TokenError`].
pub fn check_signed(query: &Query, path: &[u8], keys: &[SigningKey], now: i64) -> Result<(), TokenError> {
    let (Some(expires), Some(signature)) = (query.text("expires"), query.get("signature")) else {
        return Err(TokenError::Missing);
    };
    let expires: i64 = expires.parse().map_err(|_| TokenError::Wrong)?;
    let id = query.text("key").unwrap_or_default();
    let message = message(path, expires, query.get("filename"));
    if !keys.iter().any(|key| key.id == id && key.verifies(&message, signature)) {
        return Err(TokenError::Wrong);
    }
    if expires < now { Err(TokenError::Expired) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_url_lets_read_one_path_until_its_time() {
        let keys =
            [SigningKey::parse("2026:0123456789abcdef").unwrap(), SigningKey::parse("fedcba9876543210").unwrap()];
        let path = "/group1/M00/00/00/a.jpg";
        for key in &keys {
            let check =
                |text: &str, path: &str, now| check_signed(&Query::parse(text.as_bytes()), path.as_bytes(), &keys, now);
            let text = key.sign(path, 1000, None);
            assert_eq!(check(&text, path, 1000), Ok(()));
            assert_eq!(check(&text, path, 1001), Err(TokenError::Expired));
            assert_eq!(check(&text, "/group1/M00/00/00/b.jpg", 1), Err(TokenError::Wrong));
            assert_eq!(check(&text.replace("=1000", "=2000"), path, 1), Err(TokenError::Wrong));
            assert_eq!(check(&format!("{text}&filename=evil.exe"), path, 1), Err(TokenError::Wrong));
            let named = key.sign(path, 1000, Some("a b"));
            assert_eq!(check(&format!("{named}&filename=a%20b"), path, 1), Ok(()));
            assert_eq!(check("expires=1000", path, 1), Err(TokenError::Missing));
            assert_eq!(check(&text[..text.len() - 1], path, 1), Err(TokenError::Wrong));
        }
        assert!(SigningKey::parse("short").is_none() && SigningKey::parse("a b:0123456789abcdef").is_none());
    }

    /// The first test vector of RFC 4231 in another dress: the sum is HMAC-SHA256 and nothing of our own.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let sum = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[0x0b; 20]), b"Hi There");
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
