//! The two daemons: in the foreground (`fdfs trackerd CONF`), and as the classic programs with their actions.
//!
//! * [`modern`], [`classic`]: the two command lines;
//! * [`background`], [`stop`], [`pid_file`]: start, stop and status of the classic programs;
//! * [`serve`]: one daemon from its configuration to its end; the other modules are its steps.

pub(crate) mod background;
pub(crate) mod classic;
mod conf;
mod json_log;
pub(crate) mod logs;
pub(crate) mod modern;
mod notify;
pub(crate) mod pid_file;
pub(crate) mod program;
mod reload;
mod run_by;
mod serve;
mod server;
pub(crate) mod signals;
mod stop;
