//! Builds the bridge to libtorch, and tells dependents where libtorch is, for their run path.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=bridge");
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch is");
    let root = Path::new(&lib).parent().expect("libtorch's libraries lie in a folder of its root");
    let mut files: Vec<_> = ["bridge", "bridge/kernels"]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("the bridge's folders are there"))
        .filter_map(|f| Some(f.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "cpp"))
        .collect();
    files.sort();
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        // The kernels' loops are written for the vectoriser, in every profile.
        .opt_level(3)
        .warnings(false)
        .include(root.join("include"))
        .include(root.join("include/torch/csrc/api/include"))
        .flag_if_supported("-fvisibility=hidden")
        .flag_if_supported("-Wno-psabi")
        .files(files)
        .compile("lanista_bridge");
    println!("cargo::metadata=LIBTORCH_LIB={lib}");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
}
