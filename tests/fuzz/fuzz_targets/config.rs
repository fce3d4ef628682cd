//! Configurations: of run folders, and the table of the data.
#![no_main]

use distil_data::DataConfig;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_store::hostile::config(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(config) = toml::from_str::<DataConfig>(text) {
        let _ = config.check();
    }
});
