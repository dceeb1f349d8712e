//! `fdfs completions SHELL` and `fdfs man DIR`: both come from the same table as `--help`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::out;
use crate::root::Root;

/// What `fdfs completions` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs completions bash > /etc/bash_completion.d/fdfs
  fdfs completions zsh > \"${fpath[1]}/_fdfs\"
  fdfs completions fish > ~/.config/fish/completions/fdfs.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// What `fdfs man` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  fdfs man /usr/local/share/man/man1 && man fdfs-upload")]
pub(crate) struct ManArgs {
    /// The directory for fdfs.1, fdfs-upload.1, ...; made if it is missing
    dir: PathBuf,
}

/// Prints the completions.
pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Root::command(), "fdfs", &mut script);
    out::print(&String::from_utf8_lossy(&script));
    Ok(())
}

/// Writes the pages and says how many.
pub(crate) fn pages(args: &ManArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    fs::create_dir_all(dir).with_context(|| format!("make the directory {}", dir.display()))?;
    let mut root = Root::command();
    root.build();
    let count = write_pages(dir, &root, "fdfs")?;
    out::line(&format!("{count} manual pages written to {}", dir.display()));
    Ok(())
}

/// Writes the page of a command and those of the commands below it.
fn write_pages(dir: &Path, command: &clap::Command, name: &str) -> anyhow::Result<usize> {
    let path = dir.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page).context("render a manual page")?;
    let written = fs::File::create(&path).and_then(|mut file| file.write_all(&page));
    written.with_context(|| format!("write {}", path.display()))?;
    let mut count = 1;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        count += write_pages(dir, sub, &format!("{name}-{}", sub.get_name()))?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Root::command(), "fdfs", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Root::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        let dir = tempfile::tempdir().unwrap();
        let pages_dir = dir.path().join("man1");
        pages(&ManArgs { dir: pages_dir.clone() }).unwrap();
        for command in Root::command().get_subcommands() {
            let path = pages_dir.join(format!("fdfs-{}.1", command.get_name()));
            let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(page.contains(".SH SYNOPSIS"), "{page}");
        }
        let upload = fs::read_to_string(pages_dir.join("fdfs-upload.1")).unwrap();
        assert!(upload.contains("holiday.jpg") && upload.contains("resume"), "{upload}");
        assert!(pages_dir.join("fdfs.1").exists() && pages_dir.join("fdfs-meta-get.1").exists());
    }
}
