//! The hub: every space by name, each in one file.

mod darts;
mod enas;
mod enas_macro;
mod enas_micro;
mod genotype;
mod image;
mod nasbench101;
mod nasbench201;
mod natsbench_size;
mod proxyless;
mod recurrent;
mod toy;

use crate::error::MutateError;
use crate::options::Options;
use crate::space::Space;

/// A space of the hub.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line, with its source.
    pub summary: &'static str,
    /// Its options with their defaults.
    pub options: &'static str,
    build: fn(Options) -> Result<Space, MutateError>,
}

/// Every space, in alphabetical order.
pub const SPACES: &[Entry] = &[
    Entry {
        name: "darts",
        summary: "DARTS' normal and reduction cells for CIFAR-10 and ImageNet (Liu, Simonyan and Yang 2019)",
        options: "network=derived|search, channels=36, layers=20, image=3x32x32, classes=10, auxiliary=true, \
                  drop_path=0.2",
        build: darts::build,
    },
    Entry {
        name: "enas-macro",
        summary: "12 layers of 6 operations with any skips between them (ENAS, Pham et al. 2018)",
        options: "channels=36, layers=12, image=3x32x32, classes=10",
        build: enas_macro::build,
    },
    Entry {
        name: "enas-micro",
        summary: "normal and reduction cells of 5 nodes and 5 operations (ENAS, Pham et al. 2018)",
        options: "channels=20, layers=6, image=3x32x32, classes=10",
        build: enas_micro::build,
    },
    Entry {
        name: "nasbench101",
        summary: "cells of at most 7 vertices and 9 edges in a full network (Ying et al. 2019)",
        options: "channels=128, cells=3, image=3x32x32, classes=10",
        build: nasbench101::build,
    },
    Entry {
        name: "nasbench201",
        summary: "15,625 cells of 6 edges and 5 operations in a full network (Dong and Yang 2020)",
        options: "dataset=cifar10|cifar100|imagenet16-120, channels=16, cells=5, image=3x32x32, classes=10, \
                  none=true",
        build: nasbench201::build,
    },
    Entry {
        name: "natsbench-size",
        summary: "32,768 widths of a fixed network (NATS-Bench, Dong et al. 2021)",
        options: "dataset=cifar10|cifar100|imagenet16-120, image=3x32x32, classes=10",
        build: natsbench_size::build,
    },
    Entry {
        name: "proxyless",
        summary: "kernel, expansion and depth of inverted residual blocks (ProxylessNAS, Cai, Zhu and Han 2019)",
        options: "width=1, widths=24:40:80:96:192:320, image=3x224x224, classes=1000",
        build: proxyless::build,
    },
    Entry {
        name: "recurrent",
        summary: "DARTS' recurrent cell of 8 nodes and 4 activations for language models (Liu, Simonyan and Yang 2019)",
        options: "network=derived|search, vocab=10000, hidden=850, steps=35",
        build: recurrent::build,
    },
    Entry {
        name: "toy",
        summary: "24 small networks, for tests and first steps",
        options: "image=3x16x16, classes=10",
        build: toy::build,
    },
];

/// Builds a space from its name and options, `darts:channels=36,layers=20`.
///
/// # Errors
/// If there is no such space or option, or a value does not fit.
pub fn build(text: &str) -> Result<Space, MutateError> {
    let options: Options = text.parse()?;
    let Some(entry) = SPACES.iter().find(|s| s.name == options.name) else {
        let names = || SPACES.iter().map(|s| s.name);
        let near = ir::text::nearest(&options.name, names());
        return Err(MutateError::Space {
            space: options.name.clone(),
            reason: format!(
                "no such space{}; there are {}",
                ir::text::did_you_mean(near.as_deref()),
                names().collect::<Vec<_>>().join(", ")
            ),
        });
    };
    Ok((entry.build)(options)?.identified(text))
}

/// Rejects an operation of a genotype that is none of a space's; the message names the nearest.
fn known_operation(op: &str, ops: &[&str]) -> Result<(), String> {
    if ops.contains(&op) {
        return Ok(());
    }
    let near = ir::text::nearest(op, ops.iter().copied());
    Err(format!("`{op}` is no operation{}; there are {}", ir::text::did_you_mean(near.as_deref()), ops.join(", ")))
}
