//! `#@function` and the replacement of `%{VARIABLE}`.

use std::net::IpAddr;

use super::read::Reader;
use super::{VALUE_MAX, cut};
use crate::Place;
use crate::env::NetworkKind;

/// A function that a line `#@function NAME` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    /// Replaces `%{VARIABLE}` in the value.
    ReplaceVars,
    /// The value names a class of addresses, `inner[1]`: it becomes an address of this host.
    LocalIpGet,
    /// Runs a command in programs that allow it. Ours do not.
    ShellExec,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "REPLACE_VARS" => Self::ReplaceVars,
            "LOCAL_IP_GET" => Self::LocalIpGet,
            "SHELL_EXEC" => Self::ShellExec,
            _ => return None,
        })
    }
}

/// Whether an address belongs to a class that `LOCAL_IP_GET` knows; `None` for an unknown class.
fn is_of_class(class: &str, ip: IpAddr) -> Option<bool> {
    let kind = NetworkKind::of(ip);
    Some(match class {
        "any" => kind != NetworkKind::Loopback,
        "inner" | "private" => kind.is_inner(),
        "outer" => matches!(kind, NetworkKind::Outer | NetworkKind::OuterV6),
        "private_10" => kind == NetworkKind::Private10,
        "private_172" => kind == NetworkKind::Private172,
        "private_192" => kind == NetworkKind::Private192,
        _ => return None,
    })
}

impl Reader<'_> {
    /// What a function makes of a value.
    pub(super) fn call(&mut self, function: Function, value: &str, at: &Place) -> String {
        match function {
            Function::ReplaceVars => self.expand(value, at),
            Function::LocalIpGet => self.local_ip(value, at),
            Function::ShellExec => {
                // Source: configuration, 1.3: the daemons do not allow it either, and read an empty value.
                self.warn(at, "", "SHELL_EXEC is not allowed: the value is empty");
                String::new()
            }
        }
    }

    /// Replaces every `%{VARIABLE}`, once, and takes `$(command)` out; the result is at most [`VALUE_MAX`] bytes long.
    pub(super) fn expand(&mut self, value: &str, at: &Place) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some((start, open, close)) = next_mark(rest) {
            out.push_str(&rest[..start]);
            let tail = &rest[start + 2..];
            let Some(end) = tail.find(close) else {
                rest = &rest[start..];
                break;
            };
            let name = tail[..end].trim();
            if open == '$' {
                self.warn(at, "", "commands are not executed: $(...) is taken out");
            } else if let Some(text) = self.variable(name) {
                out.push_str(&text);
            } else {
                self.warn(at, "", format!("the variable {name} is not set: %{{{name}}} stays as it is"));
                out.push_str(&rest[start..start + 2 + end + 1]);
            }
            rest = &tail[end + 1..];
            if out.len() > VALUE_MAX {
                self.warn(at, "", format!("the replaced text is cut to {VALUE_MAX} bytes"));
                return cut(&out, VALUE_MAX).to_owned();
            }
        }
        out.push_str(rest);
        out
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "LOCAL_HOST" => Some(self.env.host_name.clone()),
            "LOCAL_IP" => self.env.local_ips.first().map(ToString::to_string),
            _ => self.variables.get(name).cloned(),
        }
    }

    fn local_ip(&mut self, value: &str, at: &Place) -> String {
        let (class, index) = match value.split_once('[') {
            Some((class, rest)) => (class.trim(), rest.strip_suffix(']').and_then(|n| n.trim().parse::<usize>().ok())),
            None => (value, Some(0)),
        };
        let of_class = |&&ip: &&IpAddr| is_of_class(class, ip) == Some(true);
        if let Some(ip) = index.and_then(|index| self.env.local_ips.iter().filter(of_class).nth(index)) {
            return ip.to_string();
        }
        self.warn(at, "", format!("LOCAL_IP_GET: this host has no address '{value}': the value is empty"));
        String::new()
    }
}

/// The first `%{` or `$(` of a text: its position, its first and its closing character.
fn next_mark(text: &str) -> Option<(usize, char, char)> {
    let variable = text.find("%{").map(|at| (at, '%', '}'));
    let command = text.find("$(").map(|at| (at, '$', ')'));
    match (variable, command) {
        (Some(a), Some(b)) => Some(if a.0 < b.0 { a } else { b }),
        (a, b) => a.or(b),
    }
}
