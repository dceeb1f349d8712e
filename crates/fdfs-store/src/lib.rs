//! Files of a storage on its disks: store paths, new files, metadata, binlog, marks, state.
