//! What is attacked: a search with a journal, a training, a one-shot search; and what must come of each.

use super::super::support::{SMALL, folder, run_in};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A command that keeps what it has done, so that it can go on after any end.
pub struct Study {
    /// The command at first, without its seed.
    first: &'static [&'static str],
    /// How it goes on.
    again: Again,
    /// The file that is kept on the way.
    pub kept: &'static str,
    /// Files that are there when all is done.
    results: [&'static str; 2],
    /// Whether the kept file is replaced by each step, or grows.
    pub replaced: bool,
}

/// How a command goes on from what it kept.
enum Again {
    /// By another command, which knows the seed.
    By(&'static [&'static str]),
    /// By the same command with a flag.
    #[cfg(feature = "torch")]
    With(&'static str),
    /// By the same command.
    #[cfg(feature = "torch")]
    Same,
}

/// 600 trials by evolution, two at a time.
pub const SEARCH: Study = Study {
    first: &[
        "search",
        "darts:auxiliary=false",
        "--strategy",
        "regularized-evolution:population=20,sample=5",
        "--evaluator",
        "cost",
        "--trials",
        "600",
        "--jobs",
        "2",
        "--quiet",
        "--journal",
        "kept.jsonl",
        "--json",
        "result.json",
    ],
    again: Again::By(&["resume", "kept.jsonl", "--quiet", "--json", "result.json"]),
    kept: "kept.jsonl",
    results: ["result.json", "kept.jsonl"],
    replaced: false,
};

/// 88 steps, each of which is kept; what is random is on.
#[cfg(feature = "torch")]
pub const TRAINING: Study = Study {
    first: &[
        "train",
        "small.lir",
        "--data",
        "digits",
        "--recipe",
        "plain:ema=0.9,crop=1,flip=true,cutout=2,clip=1",
        "--epochs",
        "4",
        "--batch",
        "50",
        "--valid",
        "1/4",
        "--threads",
        "2",
        "--out",
        "run",
        "--save-every",
        "0",
        "--quiet",
    ],
    again: Again::With("--resume"),
    kept: "run/checkpoint.safetensors",
    results: ["run/history.json", "run/weights.safetensors"],
    replaced: true,
};

/// Six epochs of GDAS, each of which is kept.
#[cfg(feature = "torch")]
pub const ONE_SHOT: Study = Study {
    first: &[
        "search",
        "nasbench201:image=1x8x8,channels=2,cells=1",
        "--strategy",
        "gdas",
        "--evaluator",
        "train:data=digits,epochs=6,images=100,batch=50",
        "--quiet",
        "--checkpoint",
        "kept.safetensors",
        "--json",
        "result.json",
    ],
    again: Again::Same,
    kept: "kept.safetensors",
    results: ["result.json", "kept.safetensors"],
    replaced: true,
};

impl Study {
    /// Whether it has kept something, so that it can go on.
    pub fn begun(&self, folder: &Path) -> bool {
        // A journal is one as soon as its header is whole.
        fs::read(folder.join(self.kept)).is_ok_and(|bytes| self.replaced || bytes.contains(&b'\n'))
    }

    /// What to run now.
    pub fn next(&self, folder: &Path, seed: &str) -> Vec<String> {
        let same = [self.first, &["--seed", seed]].concat();
        let args = match &self.again {
            Again::By(command) if self.begun(folder) => command.to_vec(),
            #[cfg(feature = "torch")]
            Again::With(flag) if self.begun(folder) => [&same[..], &[*flag]].concat(),
            _ => same,
        };
        args.into_iter().map(str::to_owned).collect()
    }

    /// What it needs, in a folder of its own.
    pub fn folder() -> tempfile::TempDir {
        let folder = folder();
        fs::write(folder.path().join("small.lir"), SMALL).expect("a file");
        folder
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn end(&self, folder: &Path, seed: &str) {
        let args = self.next(folder, seed);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = run_in(folder, &args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.err);
    }

    /// All that it leaves, without what depends on the clock.
    pub fn outcome(&self, folder: &Path) -> Vec<(&'static str, Content)> {
        let read = |name: &&'static str| {
            let path = folder.join(name);
            let content = if name.ends_with(".safetensors") {
                weights(&path)
            } else {
                let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
                let lines: Vec<&str> = if name.ends_with(".jsonl") { text.lines().collect() } else { vec![&text] };
                let values =
                    lines.into_iter().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{name}: {e}")));
                Content::Json(values.map(timeless).collect())
            };
            (*name, content)
        };
        self.results.iter().map(read).collect()
    }
}

/// What a file holds.
#[derive(Debug, PartialEq)]
pub enum Content {
    Json(Vec<Value>),
    #[cfg(feature = "torch")]
    Weights(codegen::array::Weights),
}

#[cfg(feature = "torch")]
fn weights(path: &Path) -> Content {
    Content::Weights(codegen::checkpoint::Checkpoint::load(path).expect("a checkpoint").arrays)
}

#[cfg(not(feature = "torch"))]
fn weights(path: &Path) -> Content {
    unreachable!("{} is written with libtorch only", path.display())
}

/// A value without wall-clock times, and without the checksums of lines that hold one.
fn timeless(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| {
                    !["wall", "wall_seconds", "seconds", "images_per_second", "sum"].contains(&name.as_str())
                });
                fields.values_mut().for_each(walk);
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}
