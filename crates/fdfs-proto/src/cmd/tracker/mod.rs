//! Commands in which a tracker takes part: queries, lists, administration, reports of storages, elections.
