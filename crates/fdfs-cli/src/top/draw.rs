//! One screen of `fdfs top`: pure, from what is known of the cluster to cells.

use fdfs_watch::findings::{Finding, Severity};
use fdfs_watch::lag::Row as LagRow;
use fdfs_watch::picture::{Group, Picture, Storage};
use fdfs_watch::samples::{Point, Samples};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Sparkline, Table};

use crate::human;

/// What a plot shows of a point.
type Of = fn(&Point) -> f64;

/// Lines that findings take at most.
const FINDINGS_MAX: u16 = 6;
/// Lines of each plot with its title.
const PLOT_LINES: u16 = 5;

/// What one screen shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen<'a> {
    pub(super) picture: &'a Picture,
    pub(super) samples: &'a Samples,
    pub(super) lag: &'a [LagRow],
    pub(super) findings: Option<&'a [Finding]>,
    /// Why it is not up to date.
    pub(super) error: Option<&'a str>,
    /// Lines of the table that are above the screen.
    pub(super) scrolled: usize,
}

impl Screen<'_> {
    /// Draws it.
    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let found = self.findings.map_or(1, |findings| findings.len().max(1));
        let found = u16::try_from(found).unwrap_or(u16::MAX).min(FINDINGS_MAX);
        let areas = [
            Constraint::Length(1),
            Constraint::Length(found),
            Constraint::Length(PLOT_LINES),
            Constraint::Min(3),
            Constraint::Length(1),
        ];
        let [title, alarms, plots, table, keys] = Layout::vertical(areas).areas(frame.area());
        frame.render_widget(self.title(), title);
        frame.render_widget(Paragraph::new(self.alarms(usize::from(found))), alarms);
        self.plots(frame, plots);
        frame.render_widget(self.table(usize::from(table.height)), table);
        frame.render_widget(Paragraph::new("q ends, up and down scroll").style(soft()), keys);
    }

    fn title(&self) -> Paragraph<'_> {
        let all = self.picture.storages().count();
        let active = self.picture.storages().filter(|storage| status(storage) == "ACTIVE").count();
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let (groups, trackers) = (self.picture.groups.len(), self.picture.trackers.len());
        let text = format!(
            "{}, {active} of {} ACTIVE, {}",
            count(groups, "group"),
            count(all, "storage"),
            count(trackers, "tracker")
        );
        let mut spans = vec![Span::styled("fdfs  ", bold()), Span::raw(text)];
        if let Some(error) = self.error {
            spans.push(Span::styled(format!("  not up to date: {error}"), Style::new().fg(Color::Red)));
        }
        Paragraph::new(Line::from(spans))
    }

    fn alarms(&self, lines: usize) -> Vec<Line<'_>> {
        let Some(findings) = self.findings else { return vec![Line::styled("asking every server", soft())] };
        if findings.is_empty() {
            return vec![Line::styled("all well", Style::new().fg(Color::Green))];
        }
        let mut shown: Vec<Line<'_>> = findings.iter().take(lines).map(alarm).collect();
        if findings.len() > lines {
            let hidden = findings.len() - lines + 1;
            shown.truncate(lines.saturating_sub(1));
            shown.push(Line::styled(format!("and {hidden} more: fdfs doctor"), soft()));
        }
        shown
    }

    fn plots(&self, frame: &mut Frame<'_>, area: Rect) {
        let areas: [Rect; 4] = Layout::horizontal([Constraint::Ratio(1, 4); 4]).spacing(2).areas(area);
        let last = self.samples.points().back().copied().unwrap_or_default();
        let bytes = |value: f64| format!("{}/s", human::bytes(value.round().max(0.0) as u128));
        let answers = last.answer_ms_max.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
        let plots: [(String, Of, Color); 4] = [
            (format!("in {}", bytes(last.in_bytes)), |point| point.in_bytes, Color::Blue),
            (format!("out {}", bytes(last.out_bytes)), |point| point.out_bytes, Color::Yellow),
            (
                format!("{:.1} writes/s {:.1} reads/s", last.writes, last.reads),
                |point| point.writes + point.reads,
                Color::Green,
            ),
            (
                format!("slowest answer {answers}"),
                |point| point.answer_ms_max.unwrap_or_default() * 100.0,
                Color::Magenta,
            ),
        ];
        for (area, (title, value, color)) in areas.into_iter().zip(plots) {
            let [head, plot] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
            let skipped = self.samples.points().len().saturating_sub(usize::from(plot.width));
            let data: Vec<u64> =
                self.samples.points().iter().skip(skipped).map(|point| value(point).round().max(0.0) as u64).collect();
            frame.render_widget(Paragraph::new(title).style(bold()), head);
            frame.render_widget(Sparkline::default().data(data).style(Style::new().fg(color)), plot);
        }
    }

    fn table(&self, height: usize) -> Table<'_> {
        let widths = [
            Constraint::Min(16),
            Constraint::Length(10),
            Constraint::Length(20),
            Constraint::Length(9),
            Constraint::Length(10),
            Constraint::Length(10),
            Constraint::Length(8),
            Constraint::Length(8),
            Constraint::Length(16),
        ];
        let rows: Vec<Row<'_>> = self.picture.groups.iter().flat_map(|group| self.group_rows(group)).collect();
        // The last rows stay on the screen.
        let skipped = self.scrolled.min(rows.len().saturating_sub(height.saturating_sub(1)));
        let head = ["storage", "status", "used", "answers", "in/s", "out/s", "writes/s", "reads/s", "peers behind"];
        Table::new(rows.into_iter().skip(skipped), widths).header(Row::new(head).style(soft())).column_spacing(1)
    }

    fn group_rows(&self, group: &Group) -> Vec<Row<'_>> {
        let record = &group.record;
        let left = human::megabytes(record.free_mb.saturating_sub(record.reserved_mb));
        let text = format!("{}: {left} left for uploads", record.group);
        let mut rows = vec![Row::new([Cell::from(text).style(bold())])];
        for storage in &group.storages {
            let Storage { record, answers_in } = storage;
            let rates = self.samples.rates(group.record.group, &record.id);
            let bytes = |value: f64| human::bytes(value.round().max(0.0) as u128);
            let used = format!(
                "{} of {}",
                human::megabytes(record.total_mb.saturating_sub(record.free_mb)),
                human::megabytes(record.total_mb)
            );
            let (behind, is_well) = self.behind(&group.record.group.to_string(), &record.id.to_string());
            rows.push(Row::new([
                Cell::from(format!(" {}", record.id)),
                Cell::from(status(storage)).style(Style::new().fg(status_color(&status(storage)))),
                Cell::from(used),
                Cell::from(answers_in.map_or("-".to_owned(), |took| format!("{:.1} ms", took.as_secs_f64() * 1000.0))),
                Cell::from(bytes(rates.in_bytes)),
                Cell::from(bytes(rates.out_bytes)),
                Cell::from(format!("{:.1}", rates.writes)),
                Cell::from(format!("{:.1}", rates.reads)),
                Cell::from(behind).style(if is_well { Style::new() } else { Style::new().fg(Color::Red) }),
            ]));
        }
        rows
    }

    /// How far the peers of a storage are behind it, in words, and whether nothing is wrong about it.
    fn behind(&self, group: &str, id: &str) -> (String, bool) {
        let row = self.lag.iter().find(|row| row.group == group && row.id == id);
        let Some(Ok(peers)) = row.map(|row| &row.peers) else { return ("?".to_owned(), true) };
        let records: u64 = peers.iter().map(|peer| peer.records_behind).sum();
        let secs = peers.iter().map(|peer| peer.secs_behind).max().unwrap_or_default();
        let is_well = peers.iter().all(|peer| peer.error.is_none() && peer.set_aside == 0);
        if records == 0 { ("0".to_owned(), is_well) } else { (format!("{records} ({secs} s)"), is_well) }
    }
}

fn alarm(finding: &Finding) -> Line<'_> {
    let color = match finding.severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Note => Color::Gray,
    };
    Line::from(vec![
        Span::styled(format!("{:8}", finding.severity.word()), Style::new().fg(color)),
        Span::raw(format!("{} {}. {}", finding.about, finding.what, finding.advice)),
    ])
}

fn status(storage: &Storage) -> String {
    storage.record.status.to_string()
}

fn status_color(status: &str) -> Color {
    match status {
        "ACTIVE" | "ONLINE" => Color::Green,
        "OFFLINE" => Color::Red,
        "DELETED" | "IP_CHANGED" => Color::Gray,
        _ => Color::Yellow,
    }
}

const fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

const fn soft() -> Style {
    Style::new().fg(Color::DarkGray)
}

#[cfg(test)]
mod tests;
