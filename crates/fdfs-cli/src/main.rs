//! The program `fdfs`, and the classic FastDFS programs by name.
fn main() {}
