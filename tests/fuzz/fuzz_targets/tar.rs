//! tar files of tar files, as ImageNet comes, and of class folders.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = distil_data::hostile::tar(bytes) | distil_data::hostile::imagenet_kit(bytes) | distil_data::hostile::folders_in_tar(bytes);
});
