//! Prints docs/config.md: `cargo run -p fdfs-conf --example config-md > docs/config.md`.

fn main() {
    print!("{}", fdfs_conf::docs::config_md());
}
