//! The client library: upload, download and delete files of a FastDFS cluster.
