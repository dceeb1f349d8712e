//! `fdfs top`: the cluster live in a terminal.

mod draw;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fdfs_proto::Status;
use fdfs_watch::Watch;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::exit::failure;
use crate::files::connect::Connect;
use crate::out;
use draw::Screen;

/// Not a terminal. No command of the protocol has this number.
const ENOTTY: Status = Status(25);
/// How long a key may wait.
const KEY_PAUSE: Duration = Duration::from_millis(200);
/// The screen of --once, in cells.
const ONCE_SIZE: (u16, u16) = (132, 40);

/// What `fdfs top` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs top --tracker 10.0.0.1:22122
  fdfs top --once | less

Shows what is wrong (as fdfs doctor finds it), throughput, requests and times to answer since it was started, and each storage
with its status, space and how far its peers are behind it. Rates come from what storages report with their beats. The
dashboard on the admin port of a server has the same for browsers.")]
pub(crate) struct Args {
    /// Seconds between two looks at the cluster
    #[arg(long, value_name = "SECS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    every: u64,
    /// Print one screen as text, and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Shows it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let watch = Watch::new(args.connect.client()?, true);
    let every = Duration::from_secs(args.every);
    if args.once {
        return once(&watch).await;
    }
    if !std::io::stdout().is_terminal() {
        return Err(failure(ENOTTY, "standard output is no terminal: use fdfs top --once, or fdfs monitor"));
    }
    let looking = tokio::spawn(keep_looking(watch.clone(), every));
    let shown = tokio::task::spawn_blocking(move || show(&watch)).await.context("draw the screen")?;
    looking.abort();
    shown
}

async fn keep_looking(watch: Arc<Watch>, every: Duration) {
    loop {
        watch.look(every / 2).await;
        watch.find();
        watch.ask_lag().await;
        tokio::time::sleep(every).await;
    }
}

/// The screen, until a key ends it. The terminal is as before afterwards, also after a panic.
fn show(watch: &Watch) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init().context("take the terminal")?;
    let ended = keep_showing(&mut terminal, watch);
    ratatui::restore();
    ended
}

fn keep_showing(terminal: &mut ratatui::DefaultTerminal, watch: &Watch) -> anyhow::Result<()> {
    let mut scrolled = 0usize;
    loop {
        watch.read(|picture, samples, lag, findings, error| {
            let screen = Screen { picture, samples, lag, findings, error, scrolled };
            terminal.draw(|frame| screen.draw(frame)).map(drop)
        })?;
        if !event::poll(KEY_PAUSE)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
            KeyCode::Up | KeyCode::Char('k') => scrolled = scrolled.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => {
                // Not behind the last line, from where one would have to come back.
                let lines = watch.read(|picture, _, _, _, _| picture.storages().count() + picture.groups.len());
                scrolled = (scrolled + 1).min(lines);
            }
            _ => {}
        }
    }
}

/// One screen as text.
async fn once(watch: &Arc<Watch>) -> anyhow::Result<()> {
    watch.look(Duration::ZERO).await;
    watch.ask_lag().await;
    if let Some(error) = watch.read(|_, _, _, _, error| error.map(str::to_owned)) {
        return Err(failure(Status::ECONNREFUSED, error));
    }
    watch.find_now().await;
    let (width, height) = ONCE_SIZE;
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    watch.read(|picture, samples, lag, findings, error| {
        let screen = Screen { picture, samples, lag, findings, error, scrolled: 0 };
        terminal.draw(|frame| screen.draw(frame)).map(drop)
    })?;
    let cells = terminal.backend().buffer().content();
    let lines = cells.chunks(usize::from(width)).map(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect());
    let lines: Vec<String> = lines.map(|line: String| line.trim_end().to_owned()).collect();
    // Without the word about keys, and without what is empty at the end.
    let text = lines[..lines.len() - 1].join("\n");
    out::line(text.trim_end());
    Ok(())
}
