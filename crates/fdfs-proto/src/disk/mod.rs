//! One file per format that a storage or a tracker keeps on its disk.
