//! zip files, of which every member is unpacked, and of class folders.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::zip(bytes) | distil_data::hostile::folders_in_zip(bytes);
});
