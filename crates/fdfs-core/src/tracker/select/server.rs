//! Which storage of a group takes an upload or a change. Source: behaviour, 3.10.

use crate::tracker::group::Group;
use crate::tracker::settings::{Settings, StoreServer};

impl Group {
    /// The writable storage whose turn it is; the cursor moves on. `None` when nobody may be written to.
    pub(crate) fn next_writable(&mut self, settings: &Settings) -> Option<usize> {
        match settings.effective_store_server() {
            StoreServer::FirstById | StoreServer::LowestPriority => self.preferred,
            StoreServer::RoundRobin => {
                let index = *self.writable.get(self.write_cursor).or_else(|| self.writable.first())?;
                self.write_cursor = (self.write_cursor + 1) % self.writable.len();
                Some(index)
            }
        }
    }

    /// Another storage than the one whose turn it was took the upload: the turn goes on behind it.
    pub(super) fn took_turn(&mut self, index: usize) {
        if let Some(place) = self.writable.iter().position(|&other| other == index) {
            self.write_cursor = (place + 1) % self.writable.len();
        }
    }

    /// The other writable storages, in a circle behind `index`.
    pub(super) fn writable_behind(&self, index: usize) -> impl Iterator<Item = usize> {
        let place = self.writable.iter().position(|&other| other == index).map_or(0, |place| place + 1);
        let (before, behind) = self.writable.split_at(place);
        behind.iter().chain(before).copied().filter(move |&other| other != index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of};

    fn order(settings: &Settings, priorities: [i64; 3]) -> Vec<String> {
        // Text order: "10" comes before "9".
        let storages = [active("9", 5000), active("10", 5000), active("2", 5000)];
        let mut cluster = cluster_of(settings.clone(), &[("g", &storages)]);
        let group = &mut cluster.groups[0];
        for (storage, priority) in group.storages.iter_mut().zip(priorities) {
            storage.upload_priority = priority;
        }
        group.rebuild(settings);
        let mut next = || {
            let index = group.next_writable(settings).unwrap();
            group.storages[index].id().to_string()
        };
        (0..4).map(|_| next()).collect()
    }

    #[test]
    fn every_mode_chooses_by_the_text_of_the_ids() {
        for (store_server, trunk, priorities, expected) in [
            (StoreServer::RoundRobin, false, [1, 1, 1], ["10", "2", "9", "10"]),
            (StoreServer::RoundRobin, true, [1, 1, 1], ["10"; 4]),
            (StoreServer::FirstById, false, [1, 2, 3], ["10"; 4]),
            (StoreServer::LowestPriority, false, [1, 2, 3], ["9"; 4]),
            (StoreServer::LowestPriority, false, [7, 3, 3], ["10"; 4]),
            (StoreServer::LowestPriority, false, [7, 3, -3], ["2"; 4]),
        ] {
            let settings = Settings { store_server, use_trunk_file: trunk, ..Settings::default() };
            assert_eq!(order(&settings, priorities), expected, "{store_server:?} {priorities:?}");
        }
    }
}
