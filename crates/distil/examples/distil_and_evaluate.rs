//! Distils generated images with DM, and tests what the set is worth beside as many random real images.
//!
//!     cargo run -p distil --example distil_and_evaluate

fn main() -> Result<(), distil::Error> {
    let session = distil::Session::new(distil::data::clutter_easy())
        .network(distil::convnet().width(16))
        .on(distil::Device::cpu())?;
    let protocol = distil::protocols::mtt().epochs(100).seeds(3);
    let set = session.distil(distil::methods::dm().ipc(10).iterations(200))?;
    let random = session.distil(distil::methods::random().ipc(10))?;
    println!("distilled: {}", session.evaluate(&set, protocol.clone())?);
    println!("random:    {}", session.evaluate(&random, protocol)?);
    Ok(set.save("set.safetensors")?)
}
