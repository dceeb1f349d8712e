//! The header fields of an answer, kept as they go out.

/// Room for the fields that a file has: type, date, tag, how long it may be kept, ranges, who may read.
const USUAL_BYTES: usize = 320;

/// Header fields: `Name: value` CR LF, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldLines(String);

impl FieldLines {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Adds a field. What would end the line is left out of its value.
    pub fn add(&mut self, name: &'static str, value: &str) {
        self.add_with(name, |out| out.push_str(value));
    }

    /// Adds a field whose value is appended by `put`. What would end the line is left out of it.
    pub fn add_with(&mut self, name: &'static str, put: impl FnOnce(&mut String)) {
        if self.0.is_empty() {
            self.0.reserve(USUAL_BYTES);
        }
        self.0.push_str(name);
        self.0.push_str(": ");
        let at = self.0.len();
        put(&mut self.0);
        let value = self.0.get(at..).unwrap_or_default();
        if value.bytes().fold(false, |has_control, b| has_control | b.is_ascii_control()) {
            let kept: String = value.chars().filter(|char| !char.is_control()).collect();
            self.0.truncate(at);
            self.0.push_str(&kept);
        }
        self.0.push_str("\r\n");
    }

    /// All lines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split_terminator("\r\n").filter_map(|line| line.split_once(": "))
    }

    /// The value of a field; names are compared without case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_stand_as_they_go_out() {
        let mut fields = FieldLines::new();
        fields.add("ETag", "\"a: b\"");
        fields.add("Vary", "");
        assert_eq!(fields.as_str(), "ETag: \"a: b\"\r\nVary: \r\n");
        assert_eq!((fields.get("etag"), fields.get("VARY"), fields.get("E")), (Some("\"a: b\""), Some(""), None));
    }

    proptest! {
        #[test]
        fn no_value_begins_another_line(values in proptest::collection::vec("\\PC{0,9}[\r\n\0é]{0,3}.{0,9}", 0..5)) {
            let mut fields = FieldLines::new();
            for value in &values {
                fields.add("X", value);
            }
            prop_assert_eq!(fields.iter().count(), values.len());
            for ((name, have), value) in fields.iter().zip(&values) {
                let has_control = value.bytes().any(|b| b.is_ascii_control());
                let kept: String = value.chars().filter(|char| !(has_control && char.is_control())).collect();
                prop_assert_eq!((name, have), ("X", kept.as_str()));
            }
        }
    }
}
