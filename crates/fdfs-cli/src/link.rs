//! `fdfs link DIR`: the classic names as symbolic links to this program.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_proto::Status;

use crate::exit::failure;
use crate::{classic, out};

/// What `fdfs link` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory for the links, such as /usr/bin; made if it is missing
    dir: PathBuf,
}

/// Makes the links and says which.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find the path of this program")?;
    let names = classic::PROGRAMS.iter().map(|program| program.name);
    let made = link_all(&args.dir, names, &program)?;
    for link in &made {
        out::line(&format!("{} -> {}", link.path.display(), link.target.display()));
    }
    let kept = classic::PROGRAMS.len() - made.len();
    let there = if kept > 0 { format!(", {kept} were there already") } else { String::new() };
    out::line(&format!("{} links made{there}", made.len()));
    Ok(())
}

/// A link that was made.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    path: PathBuf,
    target: PathBuf,
}

/// What stands where a link should be.
enum Found {
    Nothing,
    /// A link to this program.
    Ours,
    /// A link to another program named `fdfs`: an older installation.
    OlderOurs,
    Foreign(String),
}

/// Makes those links that are not there. All places are looked at first, so that a refusal leaves everything as it was.
fn link_all<'a>(dir: &Path, names: impl Iterator<Item = &'a str>, program: &Path) -> anyhow::Result<Vec<Link>> {
    if fs::metadata(dir).is_ok_and(|meta| !meta.is_dir()) {
        return Err(failure(Status::ENOTDIR, format!("{}: not a directory", dir.display())));
    }
    fs::create_dir_all(dir).with_context(|| format!("make the directory {}", dir.display()))?;
    let target = target_from(dir, program);
    let mut wanted = Vec::new();
    let mut foreign = Vec::new();
    for name in names {
        let path = dir.join(name);
        match look(&path, program)? {
            Found::Ours => {}
            Found::Nothing => wanted.push((path, false)),
            Found::OlderOurs => wanted.push((path, true)),
            Found::Foreign(what) => foreign.push(format!("{} is {what}", path.display())),
        }
    }
    if !foreign.is_empty() {
        let what = format!("{}; nothing was changed: remove it first, or link elsewhere", foreign.join(", "));
        return Err(failure(Status::EEXIST, what));
    }
    let mut made = Vec::new();
    for (path, is_replaced) in wanted {
        if is_replaced {
            fs::remove_file(&path).with_context(|| format!("replace {}", path.display()))?;
        }
        symlink(&target, &path).with_context(|| format!("make the link {}", path.display()))?;
        made.push(Link { path, target: target.clone() });
    }
    Ok(made)
}

/// The link's text: the bare name for a program in the same directory, so that the directory can be moved.
fn target_from(dir: &Path, program: &Path) -> PathBuf {
    let is_beside = match (fs::canonicalize(dir), program.parent()) {
        (Ok(dir), Some(parent)) => dir == parent,
        _ => false,
    };
    match program.file_name() {
        Some(name) if is_beside => PathBuf::from(name),
        _ => program.to_owned(),
    }
}

fn look(path: &Path, program: &Path) -> anyhow::Result<Found> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    if !meta.is_symlink() {
        return Ok(Found::Foreign("a file of another program".to_owned()));
    }
    if fs::canonicalize(path).is_ok_and(|target| target == program) {
        return Ok(Found::Ours);
    }
    let target = fs::read_link(path).with_context(|| path.display().to_string())?;
    Ok(if target.file_name() == program.file_name() {
        Found::OlderOurs
    } else {
        Found::Foreign(format!("a link to {}", target.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["fdfs_trackerd", "fdfs_monitor"];

    fn installed() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(root.join("bin")).unwrap();
        fs::write(root.join("fdfs"), "program").unwrap();
        (dir, root)
    }

    #[test]
    fn links_are_made_once_and_follow_a_new_installation() {
        let (_dir, root) = installed();
        let (bin, program) = (root.join("bin"), root.join("fdfs"));
        let made = link_all(&bin, NAMES.into_iter(), &program).unwrap();
        assert_eq!(made.len(), 2);
        assert_eq!(fs::read_link(bin.join("fdfs_monitor")).unwrap(), program);
        assert_eq!(link_all(&bin, NAMES.into_iter(), &program).unwrap(), []);

        fs::create_dir(root.join("new")).unwrap();
        let newer = root.join("new/fdfs");
        fs::write(&newer, "newer").unwrap();
        assert_eq!(link_all(&bin, NAMES.into_iter(), &newer).unwrap().len(), 2);
        assert_eq!(fs::read_to_string(bin.join("fdfs_trackerd")).unwrap(), "newer");
    }

    #[test]
    fn a_link_beside_the_program_is_relative() {
        let (_dir, root) = installed();
        link_all(&root, NAMES.into_iter(), &root.join("fdfs")).unwrap();
        assert_eq!(fs::read_link(root.join("fdfs_monitor")).unwrap(), Path::new("fdfs"));
    }

    #[test]
    fn foreign_files_stop_everything() {
        let (_dir, root) = installed();
        let (bin, program) = (root.join("bin"), root.join("fdfs"));
        fs::write(bin.join("fdfs_monitor"), "the C program").unwrap();
        let error = link_all(&bin, NAMES.into_iter(), &program).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), 17);
        assert!(!bin.join("fdfs_trackerd").exists());
        assert_eq!(fs::read_to_string(bin.join("fdfs_monitor")).unwrap(), "the C program");

        fs::remove_file(bin.join("fdfs_monitor")).unwrap();
        symlink("/bin/busybox-of-others", bin.join("fdfs_monitor")).unwrap();
        assert!(link_all(&bin, NAMES.into_iter(), &program).is_err());
        assert_eq!(crate::exit::code_of(&link_all(&program, NAMES.into_iter(), &program).unwrap_err()), 20);
    }
}
