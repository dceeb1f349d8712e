//! `fdfs admin set-trunk-server`.

use anyhow::Context as _;
use serde_json::json;

use super::TrunkArgs;
use crate::monitor::admin;
use crate::out;

pub(super) async fn run(args: TrunkArgs) -> anyhow::Result<()> {
    let TrunkArgs { group, id, how } = args;
    let client = how.connect.client()?;
    if how.dry_run {
        let storages = client.storages(group, None).await.context("list the storages")?;
        let now = storages.iter().find(|storage| storage.is_trunk_server).map(|storage| storage.id);
        let now = now.map_or_else(|| "nobody".to_owned(), |id| id.to_string());
        let wanted = id.map_or_else(|| "whom the leader chooses".to_owned(), |id| id.to_string());
        out::line(&format!("trunk server of {group} is {now}; would be asked for: {wanted}"));
        return Ok(());
    }
    let chosen = admin::set_trunk_server(&client, group, id).await.context("set the trunk server")?;
    if how.json {
        out::line(&json!({ "group": group.as_str(), "trunk_server": chosen.as_str() }).to_string());
    } else {
        out::line(&format!("trunk server of {group}: {chosen}"));
    }
    Ok(())
}
