//! Downloads a file, shows its metadata and checks its content:
//! `cargo run -p fdfs-client --example download -- TRACKER:PORT FILE_ID LOCAL_FILE`.

use fdfs_client::{Client, ClientError, DownloadOptions, FileId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ClientError> {
    let mut args = std::env::args().skip(1);
    let (Some(tracker), Some(file_id), Some(local_file)) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: download TRACKER:PORT FILE_ID LOCAL_FILE");
        std::process::exit(1);
    };
    let client = Client::builder().tracker(&tracker).build()?;
    let file_id: FileId = file_id.parse()?;
    let bytes = client.download_to(&file_id, &local_file, &DownloadOptions::new()).await?;
    println!("{local_file}: {bytes} bytes");
    match client.metadata(&file_id).await {
        Ok(metadata) => metadata.texts().for_each(|(name, value)| println!("{name} = {value}")),
        Err(error) if error.is_not_found() => println!("no metadata"),
        Err(error) => return Err(error),
    }
    Ok(())
}
