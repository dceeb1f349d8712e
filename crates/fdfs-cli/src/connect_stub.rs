#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    #[arg(long)]
    tracker: Vec<String>,
}
impl Connect {
    pub(crate) fn client(&self) -> anyhow::Result<fdfs_client::Client> {
        let mut b = fdfs_client::Client::builder();
        for t in &self.tracker {
            b = b.tracker(t);
        }
        Ok(b.build()?)
    }
}
