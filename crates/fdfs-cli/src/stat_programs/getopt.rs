//! Short options as C's `getopt` reads them: together or apart, anywhere, until `--`.

use std::fmt;

/// One option that was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GetOpt {
    pub(crate) letter: char,
    pub(crate) value: Option<String>,
}

/// What is wrong; reads as the C library says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Unknown(char),
    NoValue(char),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(letter) => write!(f, "invalid option -- '{letter}'"),
            Self::NoValue(letter) => write!(f, "option requires an argument -- '{letter}'"),
        }
    }
}

/// Reads the options. `letters`: those that are known, a `:` behind those with a value. Other words are passed over.
pub(crate) fn parse(letters: &str, words: &[String]) -> Result<Vec<GetOpt>, Wrong> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(group) = word.strip_prefix('-').filter(|group| !group.is_empty()) else { continue };
        if group == "-" {
            break;
        }
        for (at, letter) in group.char_indices() {
            let known = letters.find(letter).filter(|_| letter != ':').ok_or(Wrong::Unknown(letter))?;
            if !letters[known + letter.len_utf8()..].starts_with(':') {
                found.push(GetOpt { letter, value: None });
                continue;
            }
            let value = match &group[at + letter.len_utf8()..] {
                "" => words.next().ok_or(Wrong::NoValue(letter))?.clone(),
                attached => attached.to_owned(),
            };
            found.push(GetOpt { letter, value: Some(value) });
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, Wrong> {
        let words: Vec<_> = line.split_ascii_whitespace().map(str::to_owned).collect();
        let found = parse("hc:Ad", &words)?;
        Ok(found.iter().map(|o| format!("{}{} ", o.letter, o.value.as_deref().unwrap_or_default())).collect())
    }

    #[test]
    fn options_stand_together_apart_and_with_values() {
        assert_eq!(read("").unwrap(), "");
        assert_eq!(read("-Ad").unwrap(), "A d ");
        assert_eq!(read("-A word -d").unwrap(), "A d ");
        assert_eq!(read("-c x -A").unwrap(), "cx A ");
        assert_eq!(read("-Acx").unwrap(), "A cx ");
        assert_eq!(read("-A -- -d").unwrap(), "A ");
        assert_eq!(read("-c"), Err(Wrong::NoValue('c')));
        assert_eq!(read("-z").unwrap_err().to_string(), "invalid option -- 'z'");
        assert_eq!(read("-:").unwrap_err().to_string(), "invalid option -- ':'");
    }
}
