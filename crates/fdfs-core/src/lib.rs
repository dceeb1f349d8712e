//! Every decision of the cluster: membership, selection, placement.
