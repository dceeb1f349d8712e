//! Who may read a file: by the prefix of its path.

use fdfs_proto::file_id::FileId;

use super::answer::{Answer, Body};
use super::date;
use super::request::Request;
use super::settings::Settings;
use super::target::Target;
use super::token::{TokenError, check_signed, check_token, is_same};

/// What a reader needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A token of the reference.
    Token,
    /// A signed URL.
    Signed,
}

impl Access {
    /// `public`, `token` or `signed`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "public" => Some(Self::Public),
            "token" => Some(Self::Token),
            "signed" => Some(Self::Signed),
            _ => None,
        }
    }
}

/// Who may read what: the longest prefix counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    default: Access,
    prefixes: Vec<(String, Access)>,
}

impl Policies {
    /// Prefixes of paths, `/group1/M00`, and what counts elsewhere.
    #[must_use]
    pub fn new(default: Access, mut prefixes: Vec<(String, Access)>) -> Self {
        for (prefix, _) in &mut prefixes {
            *prefix = one_spelling(prefix);
        }
        prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.0.len()));
        Self { default, prefixes }
    }

    /// What counts for a file: `/GROUP/Mxx/HH/HH/NAME`, however its URL was written.
    #[must_use]
    pub fn of(&self, id: &FileId) -> Access {
        if self.prefixes.is_empty() {
            return self.default;
        }
        let path = one_spelling(&format!("/{id}"));
        self.prefixes.iter().find(|(prefix, access)| covers(prefix, *access, &path)).map_or(self.default, |p| p.1)
    }

    /// Whether anything needs this access.
    #[must_use]
    pub fn uses(&self, access: Access) -> bool {
        self.default == access || self.prefixes.iter().any(|prefix| prefix.1 == access)
    }
}

/// Whether a line is about a path. What lets everybody read is about whole parts of it: `/group1` opens no `/group11`. What
/// protects is about all that begins so.
fn covers(prefix: &str, access: Access, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(prefix) else { return false };
    access != Access::Public || rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')
}

/// A path with its store path in capitals, and with one: `/group1/M0a` and `/group1/M0A` are the same folder, and so are
/// `/group1/00` and `/group1/M00/00` (names from before store paths). Who may not read the one must not read the other.
fn one_spelling(path: &str) -> String {
    let mut parts = path.splitn(4, '/');
    let (Some(before), Some(group), Some(first)) = (parts.next(), parts.next(), parts.next()) else {
        return path.to_owned();
    };
    let is_subdir = first.starts_with(|char: char| char.is_ascii_hexdigit());
    let store_path = if is_subdir { "M00/" } else { "" };
    let rest = parts.next().map_or_else(String::new, |rest| format!("/{rest}"));
    format!("{before}/{group}/{store_path}{}{rest}", first.to_ascii_uppercase())
}

/// Lets a request through, or answers it.
///
/// # Errors
/// The answer of a refusal.
#[allow(clippy::result_large_err)]
pub fn check(settings: &Settings, request: &Request<'_>, target: &Target<'_>, id: &FileId) -> Result<Access, Answer> {
    let access = settings.policies.of(id);
    let result = match access {
        Access::Public => Ok(()),
        Access::Token if bypasses(settings, request) => Ok(()),
        Access::Token => match &settings.token {
            Some(check) => check_token(&target.query, id.name.as_str(), &check.secret, check.ttl_secs, request.now()),
            None => Err(TokenError::Wrong),
        },
        Access::Signed => {
            let path = format!("/{id}");
            check_signed(&target.query, path.as_bytes(), &settings.signing_keys, request.now())
        }
    };
    result.map(|()| access).map_err(|error| refusal(settings, access, error))
}

fn bypasses(settings: &Settings, request: &Request<'_>) -> bool {
    settings
        .bypass
        .as_ref()
        .is_some_and(|(name, value)| request.fields.first(name).is_some_and(|given| is_same(given, value.as_bytes())))
}

/// As the reference: no token is 400, a wrong one the fail file with 200. Signed URLs, and all if so configured, 403.
fn refusal(settings: &Settings, access: Access, error: TokenError) -> Answer {
    if settings.strict_refusal || access == Access::Signed {
        return Answer::error(403);
    }
    let fail = settings.token.as_ref().and_then(|check| check.fail.as_ref());
    let (Some(fail), true) = (fail, error != TokenError::Missing) else { return Answer::error(400) };
    let mut answer = Answer::new(200);
    answer.field("Content-Type", &fail.content_type);
    answer.field("Last-Modified", date::format(0));
    answer.field("Accept-Ranges", "bytes");
    answer.field("Cache-Control", "no-cache");
    answer.body = Body::Bytes(fail.content.to_vec().into());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_counts() {
        let policies = Policies::new(
            Access::Token,
            vec![("/group1/".to_owned(), Access::Public), ("/group1/M01".to_owned(), Access::Signed)],
        );
        let of = |id: &str| policies.of(&id.parse().unwrap());
        assert_eq!(of("group1/M00/00/00/a"), Access::Public);
        assert_eq!(of("group1/M01/00/00/a"), Access::Signed);
        assert_eq!(of("group11/M01/00/00/a"), Access::Token);
        assert!(policies.uses(Access::Token) && policies.uses(Access::Signed));
        for (prefix, opened) in
            [("/group1", false), ("/group1/", false), ("/group11", true), ("/", true), ("/g", false)]
        {
            let policies = Policies::new(Access::Token, vec![(prefix.to_owned(), Access::Public)]);
            let expected = if opened { Access::Public } else { Access::Token };
            assert_eq!(policies.of(&"group11/M00/00/00/a".parse().unwrap()), expected, "{prefix}");
        }
        let policies = Policies::new(Access::Public, vec![("/g".to_owned(), Access::Token)]);
        assert_eq!(policies.of(&"group11/M00/00/00/a".parse().unwrap()), Access::Token);
        for prefix in ["/group1/M0A", "/group1/M0a", "/group1/M0a/00"] {
            let policies = Policies::new(Access::Public, vec![(prefix.to_owned(), Access::Signed)]);
            for id in ["group1/M0A/00/00/a", "group1/M0a/00/00/a"] {
                assert_eq!(policies.of(&id.parse().unwrap()), Access::Signed, "{prefix} {id}");
            }
            assert_eq!(policies.of(&"group1/M0B/00/00/a".parse().unwrap()), Access::Public);
        }
    }

    #[test]
    fn a_name_without_its_store_path_is_no_way_around() {
        const NAMES: [&str; 2] = ["group1/00/0A/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", "group1/M00/00/0A/a"];
        for prefix in ["/group1/M00", "/group1/M00/00/0A/", "/group1/M0", "/group1/0", "/group1/00/0A", "/group1"] {
            let policies = Policies::new(Access::Public, vec![(prefix.to_owned(), Access::Signed)]);
            for id in NAMES {
                assert_eq!(policies.of(&id.parse().unwrap()), Access::Signed, "{prefix} {id}");
            }
        }
        for prefix in ["/group1/M01", "/group1/M00/01", "/group1/01", "/group1/M00/00/0B"] {
            let policies = Policies::new(Access::Public, vec![(prefix.to_owned(), Access::Signed)]);
            for id in NAMES {
                assert_eq!(policies.of(&id.parse().unwrap()), Access::Public, "{prefix} {id}");
            }
        }
        // Who opens a folder of such names opens it under both.
        let policies = Policies::new(Access::Token, vec![("/group1/00".to_owned(), Access::Public)]);
        for id in NAMES {
            assert_eq!(policies.of(&id.parse().unwrap()), Access::Public, "{id}");
        }
    }
}
