//! The `#@` directives.
//!
//! | directive                               | effect                                                              |
//! |-----------------------------------------|---------------------------------------------------------------------|
//! | `#@set NAME = VALUE`                    | a variable; `%{OTHER}` in the value is replaced                     |
//! | `#@if %{VAR} in [a, b]` `#@else` `#@endif` | chooses lines                                                    |
//! | `#@for i from A to B [step N]` `#@endfor` | repeats lines, `{$i}` is the number                               |
//! | `#@function NAME`                       | transforms the value of the next key                                |
//! | `#@add_annotation ...`                  | loads a plug-in in the reference; ignored here with a warning       |
//!
//! Source: configuration, 1.3.

use std::borrow::Cow;
use std::sync::Arc;

use fdfs_proto::Status;

use super::condition::Condition;
use super::function::Function;
use super::read::{Inside, Line, Reader};
use super::{EXPANDED_BYTES_MAX, FOR_ROUNDS_MAX, VALUE_MAX, cut};
use crate::{ConfError, Place};

/// A directive line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Directive<'t> {
    Set { name: &'t str, value: &'t str },
    If(Condition<'t>),
    Else,
    EndIf,
    For(Repetition<'t>),
    EndFor,
    Function(&'t str),
    AddAnnotation,
    Unknown,
}

/// `#@for NAME from FIRST to LAST step STEP`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repetition<'t> {
    name: &'t str,
    first: i64,
    last: i64,
    step: i64,
}

impl<'t> Directive<'t> {
    /// The directive of a line; `None` for an ordinary comment.
    pub(super) fn parse(text: &'t str, at: &Place) -> Result<Option<Self>, ConfError> {
        let Some(text) = text.strip_prefix("#@") else { return Ok(None) };
        let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let rest = rest.trim_matches([' ', '\t']);
        Ok(Some(match word {
            "set" => {
                let (name, value) =
                    rest.split_once('=').ok_or_else(|| bad(at, "#@set", "NAME = VALUE is needed".to_owned()))?;
                Self::Set { name: name.trim_matches([' ', '\t']), value: value.trim_matches([' ', '\t']) }
            }
            "if" => Self::If(Condition::parse(rest).ok_or_else(|| {
                bad(at, "#@if", format!("'%{{VARIABLE}} in [a, b]' is needed, not '{}'", cut(rest, VALUE_MAX)))
            })?),
            "else" => Self::Else,
            "endif" => Self::EndIf,
            "for" => Self::For(Repetition::parse(rest).ok_or_else(|| {
                bad(at, "#@for", format!("'i from A to B [step N]' is needed, not '{}'", cut(rest, VALUE_MAX)))
            })?),
            "endfor" => Self::EndFor,
            "function" => Self::Function(rest),
            "add_annotation" => Self::AddAnnotation,
            _ => Self::Unknown,
        }))
    }
}

impl<'t> Repetition<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(8).collect();
        let (name, first, last, step) = match words.as_slice() {
            [name, "from", first, "to", last] => (name, first, last, "1"),
            [name, "from", first, "to", last, "step", step] => (name, first, last, *step),
            _ => return None,
        };
        let step = step.parse().ok().filter(|&step: &i64| step != 0)?;
        Some(Self { name, first: first.parse().ok()?, last: last.parse().ok()?, step })
    }

    /// The numbers, at most one more than is allowed.
    fn numbers(&self) -> impl Iterator<Item = i64> {
        let (last, step) = (self.last, self.step);
        std::iter::successors(Some(self.first), move |n| n.checked_add(step))
            .take_while(move |&n| if step > 0 { n <= last } else { n >= last })
            .take(FOR_ROUNDS_MAX + 1)
    }
}

fn bad(at: &Place, directive: &'static str, what: String) -> ConfError {
    ConfError::Directive { at: at.clone(), directive, what, status: Status::EINVAL }
}

impl Reader<'_> {
    /// Carries out a directive; returns the index of the line to go on with.
    pub(super) fn directive(
        &mut self,
        directive: Directive<'_>,
        file: &Arc<str>,
        lines: &[Line<'_>],
        next: usize,
        at: Place,
        inside: Inside,
    ) -> Result<usize, ConfError> {
        match directive {
            Directive::Set { name, value } => {
                let value = self.expand(value, &at);
                self.variables.insert(name.to_owned(), cut(&value, VALUE_MAX).to_owned());
            }
            Directive::If(condition) => {
                if inside.condition {
                    return Err(bad(&at, "#@if", "cannot stand inside another #@if".to_owned()));
                }
                let (otherwise, end) = self.branches(lines, next, &at)?;
                let range = if self.holds(&condition, &at) {
                    next..otherwise.unwrap_or(end)
                } else {
                    otherwise.map_or(end, |i| i + 1)..end
                };
                self.block(file, &lines[range], Inside { condition: true, ..inside })?;
                return Ok(end + 1);
            }
            Directive::For(repetition) => {
                if inside.repetition {
                    return Err(bad(&at, "#@for", "cannot stand inside another #@for".to_owned()));
                }
                let end = (next..lines.len())
                    .find(|&i| matches!(word_of(&lines[i]), Some("endfor")))
                    .ok_or_else(|| bad(&at, "#@for", "#@endfor is missing".to_owned()))?;
                self.repeat(&repetition, file, &lines[next..end], &at, inside)?;
                return Ok(end + 1);
            }
            Directive::Function(name) => {
                self.drop_function("another #@function");
                match Function::named(name) {
                    Some(function) => self.function = Some((function, at)),
                    None => self.warn(&at, "", format!("#@function {} is unknown and ignored", cut(name, VALUE_MAX))),
                }
            }
            Directive::AddAnnotation => {
                // Differs from C: a configuration file never loads code into the program.
                self.warn(&at, "", "#@add_annotation is ignored: plug-ins are not loaded");
            }
            Directive::Else => self.warn(&at, "", "#@else without #@if is ignored"),
            Directive::EndIf => self.warn(&at, "", "#@endif without #@if is ignored"),
            Directive::EndFor => self.warn(&at, "", "#@endfor without #@for is ignored"),
            Directive::Unknown => self.warn(&at, "", "an unknown #@ directive is ignored"),
        }
        Ok(next)
    }

    /// The indices of the `#@else`, if there is one, and of the `#@endif` that belong to the `#@if` before `next`.
    fn branches(&self, lines: &[Line<'_>], next: usize, at: &Place) -> Result<(Option<usize>, usize), ConfError> {
        let mut otherwise = None;
        for (index, line) in lines.iter().enumerate().skip(next) {
            match word_of(line) {
                Some("else") if otherwise.is_none() => otherwise = Some(index),
                Some("else") => return Err(bad(at, "#@if", "there are two #@else".to_owned())),
                Some("endif") => return Ok((otherwise, index)),
                Some("if") => return Err(bad(at, "#@if", "cannot hold another #@if".to_owned())),
                _ => {}
            }
        }
        Err(bad(at, "#@if", "#@endif is missing".to_owned()))
    }

    fn repeat(
        &mut self,
        repetition: &Repetition<'_>,
        file: &Arc<str>,
        body: &[Line<'_>],
        at: &Place,
        inside: Inside,
    ) -> Result<(), ConfError> {
        let mark = format!("{{${}}}", repetition.name);
        for (round, number) in repetition.numbers().enumerate() {
            if round == FOR_ROUNDS_MAX {
                return Err(ConfError::TooLarge { at: at.clone(), what: "rounds of #@for", max: FOR_ROUNDS_MAX });
            }
            let number = number.to_string();
            let mut lines = Vec::with_capacity(body.len());
            for line in body {
                let text = line.text.replace(&mark, &number);
                self.expanded_bytes += text.len();
                if self.expanded_bytes > EXPANDED_BYTES_MAX {
                    return Err(ConfError::TooLarge {
                        at: at.clone(),
                        what: "bytes made by #@for",
                        max: EXPANDED_BYTES_MAX,
                    });
                }
                lines.push(Line { number: line.number, text: Cow::Owned(text) });
            }
            self.block(file, &lines, Inside { repetition: true, ..inside })?;
        }
        Ok(())
    }
}

/// The word of a directive line.
fn word_of<'t>(line: &'t Line<'_>) -> Option<&'t str> {
    line.text.strip_prefix("#@").map(|rest| rest.split([' ', '\t']).next().unwrap_or(rest))
}
