//! Every recorded run of the reference again, with the same lines and the same exit code.

use crate::golden::{runs, without_pids};
use crate::{Place, text};

#[test]
fn every_recorded_run_agrees() {
    let mut place = Place::new();
    place.tracker_conf("t2a.conf", "t2a", "");
    place.storage_conf("s2x.conf", "s2x", "");
    let mut count = 0;
    for run in runs() {
        let program = ["fdfs_trackerd", "fdfs_storaged"].into_iter().find(|&name| name == run.args[0]).unwrap();
        let output = place.run(program, &run.args[1..]);
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        if run.args.contains(&"/nosuch.conf") {
            // The same story without the names of C's source files, and told once. W-37: a storage, too, ends with 2.
            assert_eq!(output.status.code(), Some(2), "{}", run.title);
            let lines: Vec<&str> = stderr.lines().map(|line| line.get(22..).unwrap_or_default()).collect();
            let want = [
                "ERROR - file /nosuch.conf not exist",
                "ERROR - load conf file \"/nosuch.conf\" fail, ret code: 2",
                "CRIT - exit abnormally!",
                "",
            ];
            assert_eq!(lines, want, "{}", run.title);
        } else {
            assert_eq!(without_pids(&stdout), without_pids(&run.stdout), "{}: stdout; stderr: {stderr}", run.title);
            assert_eq!(without_pids(&stderr), without_pids(&run.stderr), "{}: stderr", run.title);
            assert_eq!(output.status.code(), Some(run.exit), "{}", run.title);
        }
        count += 1;
    }
    assert_eq!(count, 21, "recorded runs");
}
