//! Uploads a file and prints its id: `cargo run -p fdfs-client --example upload -- TRACKER:PORT LOCAL_FILE`.

use fdfs_client::{Client, ClientError, Metadata, Progress, UploadOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ClientError> {
    let mut args = std::env::args().skip(1);
    let (Some(tracker), Some(local_file)) = (args.next(), args.next()) else {
        eprintln!("usage: upload TRACKER:PORT LOCAL_FILE");
        std::process::exit(1);
    };
    let client = Client::builder().tracker(&tracker).build()?;
    let options = UploadOptions::new()
        .metadata(Metadata::new().with("local file", local_file.as_str()))
        .progress(Progress::new(|bytes| eprint!("\r{bytes} bytes")));
    let file_id = client.upload_file(&local_file, &options).await?;
    eprintln!();
    println!("{file_id}");
    Ok(())
}
