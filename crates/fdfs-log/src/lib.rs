//! Log files as the reference names and rotates them, and the test's view of a log.
