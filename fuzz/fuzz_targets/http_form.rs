#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fdfs_testkit::fuzz::run("http_form", bytes));
