//! The records as text: title, requests, answers, body.

/// One record.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Its title.
    pub(crate) title: String,
    /// Requests with their answers.
    pub(crate) exchanges: Vec<Exchange>,
    /// Length and MD5 of the last body.
    pub(crate) body: Option<(u64, String)>,
}

/// A request and its answer.
#[derive(Debug, Default, Clone)]
pub(crate) struct Exchange {
    /// The lines of the request.
    pub(crate) request: Vec<String>,
    /// The status; 0 when there was no answer.
    pub(crate) status: u16,
    /// The lines of the answer behind the first.
    pub(crate) answer: Vec<String>,
    /// The body, where it is shown.
    pub(crate) shown: String,
}

impl Record {
    /// All records of a file.
    pub(crate) fn all(text: &str) -> Vec<Self> {
        let mut records: Vec<Self> = Vec::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("=== ") {
                records.push(Self { title: title.to_owned(), ..Self::default() });
                continue;
            }
            let Some(record) = records.last_mut() else { continue };
            if let Some(line) = line.strip_prefix("> ") {
                let is_first = line.contains(" HTTP/1.") || record.exchanges.is_empty();
                if is_first {
                    record.exchanges.push(Exchange::default());
                }
                if let Some(exchange) = record.exchanges.last_mut() {
                    exchange.request.push(line.to_owned());
                }
            } else if let Some(line) = line.strip_prefix("< ") {
                let Some(exchange) = record.exchanges.last_mut() else { continue };
                match line.strip_prefix("HTTP/1.1 ") {
                    Some(status) => exchange.status = status[..3].parse().unwrap(),
                    None => exchange.answer.push(line.to_owned()),
                }
            } else if let Some(line) = line.strip_prefix("| ") {
                if let Some(exchange) = record.exchanges.last_mut() {
                    let line = line.strip_suffix('$').map_or(line.to_owned(), |line| format!("{line}\n"));
                    exchange.shown.push_str(&line.replace("^M", "\r"));
                }
            } else if line.starts_with("curl rc=") && line.contains("md5=") {
                let value = |name: &str| line.split(name).nth(1).unwrap().split(' ').next().unwrap();
                record.body = Some((value("body_bytes=").parse().unwrap(), value("md5=").to_owned()));
            }
        }
        records
    }
}

impl Exchange {
    /// Whether only the head was asked for.
    pub(crate) fn is_head(&self) -> bool {
        self.request[0].starts_with("HEAD ")
    }

    /// The fields of the answer, names in small letters.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let field = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        self.answer.iter().filter_map(field).collect()
    }

    /// The value of a field of the request.
    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.request[1..].iter().filter_map(|line| line.split_once(": ")).find(|have| have.0 == name).map(|have| have.1)
    }

    /// The page of an error as recorded, but for the name of its maker.
    pub(crate) fn page(&self) -> String {
        self.shown.replace("nginx/1.22.1", "fdfs")
    }
}
