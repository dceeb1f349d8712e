//! `run_by_group` and `run_by_user`: the daemon gives up the rights it was started with.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::Context as _;
use fdfs_conf::ServerConf;
use fdfs_proto::Status;
use nix::unistd::{Gid, Group, Uid, User, geteuid, initgroups, setegid, seteuid};

use super::conf::DaemonConf;
use crate::exit::failure;

/// The user and the group to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunBy {
    user: Option<(String, Uid)>,
    gid: Option<Gid>,
}

impl RunBy {
    /// Looks the names up. Nobody to become is the caller.
    ///
    /// # Errors
    /// `ENOENT` for a name that the system does not know. Source: configuration, 3.
    pub(crate) fn of_conf(conf: &ServerConf) -> anyhow::Result<Self> {
        let unknown = |key: &str, name: &str| failure(Status::ENOENT, format!("{key} = {name}: no such {}", &key[7..]));
        let gid = match conf.run_by_group.as_str() {
            "" => None,
            name => Some(Group::from_name(name)?.ok_or_else(|| unknown("run_by_group", name))?.gid),
        };
        let user = match conf.run_by_user.as_str() {
            "" => None,
            name => Some((name.to_owned(), User::from_name(name)?.ok_or_else(|| unknown("run_by_user", name))?.uid)),
        };
        Ok(Self { user, gid })
    }

    /// Whether there is nobody else to become.
    pub(crate) fn is_caller(&self) -> bool {
        self.gid.is_none() && self.user.as_ref().is_none_or(|&(_, uid)| uid == geteuid())
    }

    /// Gives the daemon's folders, and the files right below them, to the user and the group. The files of clients lie
    /// deeper; they belong to whoever stored them.
    ///
    /// # Errors
    /// As the file system gives.
    pub(crate) fn hand_over(&self, conf: &DaemonConf) -> anyhow::Result<()> {
        let (uid, gid) = (self.user.as_ref().map(|(_, uid)| uid.as_raw()), self.gid.map(Gid::as_raw));
        let give =
            |path: &Path| chown(path, uid, gid).with_context(|| format!("give {} to run_by_user", path.display()));
        for dir in conf.dirs().into_iter().filter(|dir| dir.is_dir()) {
            give(&dir)?;
            for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())?.flatten() {
                give(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Becomes the user and the group: group first, effective ids. Source: configuration, 2.
    ///
    /// # Errors
    /// `EPERM` unless the caller is root or is that user already.
    pub(crate) fn switch(&self) -> anyhow::Result<()> {
        if let (Some((name, uid)), true) = (&self.user, geteuid().is_root()) {
            // The other groups of the caller must not stay. Who is not root has none to give up.
            let gid = self.gid.unwrap_or(Gid::effective());
            let name = CString::new(name.as_str()).context("run_by_user: the name")?;
            if *uid != geteuid() {
                initgroups(&name, gid).context("run_by_user: take the user's groups")?;
            }
        }
        if let Some(gid) = self.gid {
            setegid(gid).context("run_by_group: become the group")?;
        }
        if let Some((_, uid)) = self.user.as_ref().filter(|&&(_, uid)| uid != geteuid()) {
            seteuid(*uid).context("run_by_user: become the user")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_enoent_and_empty_ones_the_caller() {
        let mut conf = fdfs_conf::TrackerConf::default().server;
        let nobody = RunBy::of_conf(&conf).unwrap();
        assert!(nobody.is_caller());
        nobody.switch().unwrap();
        conf.run_by_user = "no-such-user-here".to_owned();
        let error = RunBy::of_conf(&conf).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), 2);
        assert!(error.to_string().contains("run_by_user = no-such-user-here: no such user"), "{error}");
        conf.run_by_user = User::from_uid(geteuid()).unwrap().map_or(String::new(), |user| user.name);
        assert!(RunBy::of_conf(&conf).unwrap().is_caller());
        conf.run_by_group = "no-such-group-here".to_owned();
        assert!(RunBy::of_conf(&conf).unwrap_err().to_string().ends_with("no such group"));
    }
}
