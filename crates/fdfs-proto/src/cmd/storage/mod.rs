//! Commands that a storage serves: files of clients, replication, recovery, trunk files.
