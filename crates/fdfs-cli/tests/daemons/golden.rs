//! The recorded runs: `=== title`, `$ command`, `1| ` and `2| ` lines, `exit=`.

/// One recorded run.
pub(crate) struct Run {
    pub(crate) title: &'static str,
    pub(crate) args: Vec<&'static str>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
}

/// All recorded runs of the daemons.
pub(crate) fn runs() -> Vec<Run> {
    include_str!("../golden/daemons.txt").split("=== ").skip(1).map(run).collect()
}

fn run(record: &'static str) -> Run {
    let mut lines = record.lines();
    let title = lines.next().unwrap();
    let args = lines.next().and_then(|line| line.strip_prefix("$ ")).unwrap().split_ascii_whitespace().collect();
    let stream =
        |mark: &str| record.lines().filter_map(|line| line.strip_prefix(mark)).map(|l| format!("{l}\n")).collect();
    let exit = record.lines().find_map(|line| line.strip_prefix("exit=")).unwrap().parse().unwrap();
    Run { title, args, stdout: stream("1| "), stderr: stream("2| "), exit }
}

/// The text with every number of a process replaced.
pub(crate) fn without_pids(text: &str) -> String {
    let mut out = String::new();
    let mut was_digit = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !was_digit {
            out.push('N');
        }
        was_digit = c.is_ascii_digit();
    }
    out
}
