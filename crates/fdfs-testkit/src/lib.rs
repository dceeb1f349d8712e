//! Clusters for tests: in-process servers, real processes, recorded transcripts.
