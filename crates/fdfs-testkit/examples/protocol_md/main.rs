//! Prints docs/protocol.md: `cargo run -p fdfs-testkit --example protocol_md > docs/protocol.md`.

mod book;

fn main() {
    print!("{}", book::text());
}
