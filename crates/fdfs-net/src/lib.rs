//! Framed connections, accept loop, limits, time-outs, calls and pools.
