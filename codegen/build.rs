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
        .warnings(false)
        .include(root.join("include"))
        .include(root.join("include/torch/csrc/api/include"))
        .flag_if_supported("-fvisibility=hidden")
        .flag_if_supported("-Wno-psabi")
        // at::parallel_for is a template: without OpenMP here it would run on one thread.
        .flag_if_supported("-fopenmp")
        // The kernels are the inner loops of training, in a development build too.
        .opt_level(3)
        .files(files)
        .compile("lanista_bridge");
    // The OpenMP runtime that libtorch brings, and no second one beside it: two would start two pools of threads.
    println!("cargo::rustc-link-search=native={lib}");
    println!("cargo::rustc-link-lib=dylib:+verbatim=libgomp.so.1");
    println!("cargo::metadata=LIBTORCH_LIB={lib}");
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
}
