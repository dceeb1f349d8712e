//! The configuration dialect of FastDFS and one table of keys per file.
