//! What a command works on: a space of the hub, or a module in a file; and which point of it.

use super::args::Selection;
use super::failure::Failure;
use super::output::Outputs;
#[cfg(feature = "torch")]
use evaluators::train::TrainError;
use ir::verify::Examined;
use ir::{Elaboration, Fault, Faults, Module, Name, OpRegistry, Program, Value};
use mutators::{MutateError, Sample, Space};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Whether an argument names a file and not a space: it ends in `.lir` or `.json`, or has a path separator.
pub fn is_file(target: &str) -> bool {
    let target = undigested(target);
    let name = target.split(':').next().unwrap_or(target);
    let known = [".lir", ".json"].iter().any(|end| target.ends_with(end));
    known || name.contains(std::path::is_separator)
}

/// A module that was read from a file, with its text to find places in.
#[derive(Clone, Debug)]
pub struct ModuleFile {
    path: PathBuf,
    text: String,
    /// What the file says.
    pub module: Module,
}

impl ModuleFile {
    /// Reads a `.json` file as JSON, and any other as text. The module is not verified.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let refuse = |e: std::io::Error| Failure::usage(format!("{shown}: cannot be read: {e}; check the path"));
        let most = ir::text::MAX_TEXT as u64;
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(refuse)?;
        file.take(most + 1).read_to_end(&mut bytes).map_err(refuse)?;
        if bytes.len() as u64 > most {
            return Err(Failure::usage(format!("{shown}: is larger than {} MiB, so it is no module", most >> 20)));
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|b| **b == b'\n').count();
            Failure::usage(format!("{shown}:{line}: is no UTF-8 text, so it is no module; name a .lir or .json file"))
        })?;
        let module = if path.extension().is_some_and(|e| e == "json") {
            Module::from_json(&text, &OpRegistry::default()).map_err(|e| Failure::usage(format!("{shown}: {e}")))?
        } else {
            text.parse().map_err(|e| Failure::usage(format!("{shown}:{e}")))?
        };
        Ok(Self { path: path.to_owned(), text, module })
    }

    /// Verifies the module.
    pub fn verify(&self) -> Result<Examined, Failure> {
        ir::verify::examine(&self.module).map_err(|e| self.refuse(&e))
    }

    /// A failure that names the line of every fault.
    fn refuse(&self, faults: &Faults) -> Failure {
        Failure::faults(|f| self.place(f), faults)
    }

    /// `file:line:column` of the node, graph or decision that a fault is about, as far as the text tells.
    fn place(&self, fault: &Fault) -> String {
        self.at(fault.graph.as_ref(), fault.node.as_ref())
    }

    fn at(&self, graph: Option<&Name>, node: Option<&Name>) -> String {
        let shown = self.path.display();
        match locate(&self.text, graph, node) {
            Some((line, column)) => format!("{shown}:{line}:{column}"),
            None => shown.to_string(),
        }
    }
}

/// Line and column of a node's definition in a graph, or of the graph. A text of JSON has neither.
fn locate(text: &str, graph: Option<&Name>, node: Option<&Name>) -> Option<(usize, usize)> {
    let starts = |line: &str, sigil: char, name: &str| {
        let rest = line.strip_prefix(sigil)?;
        let rest = match rest.strip_prefix('"') {
            Some(quoted) => quoted.strip_prefix(name)?.strip_prefix('"')?,
            None => rest.strip_prefix(name)?,
        };
        (!rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '/')).then_some(())
    };
    let column = |line: &str, part: &str| 1 + line.chars().count() - part.chars().count();
    let mut lines = text.lines().enumerate();
    let graph = graph?;
    let (at, line, head) = lines.by_ref().find_map(|(i, line)| {
        let head = line.trim_start().strip_prefix("graph")?.trim_start();
        starts(head, '@', graph).map(|()| (i, line, head))
    })?;
    let Some(node) = node else { return Some((at + 1, column(line, head))) };
    if let Some(input) = head.match_indices('%').find_map(|(i, _)| {
        let rest = &head[i..];
        starts(rest, '%', node).map(|()| rest)
    }) {
        return Some((at + 1, column(line, input)));
    }
    lines.take_while(|(_, line)| !line.trim_start().starts_with("graph")).find_map(|(i, line)| {
        let part = line.trim_start();
        starts(part, '%', node).map(|()| (i + 1, column(line, part)))
    })
}

/// A space with where it is from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The space; of a file that states no decision it has one point.
    pub space: Space,
    file: Option<ModuleFile>,
}

impl Source {
    /// Reads `darts:channels=36,layers=20`, or a file.
    pub fn load(target: &str) -> Result<Self, Failure> {
        if !is_file(target) {
            let space = mutators::spaces::build(target);
            if space.is_err() && Path::new(target).is_file() {
                return Err(Failure::usage(format!(
                    "{target}: is no space, but a file; write ./{target} to have it read"
                )));
            }
            return Ok(Self { space: space?, file: None });
        }
        let path = undigested(target);
        let file = ModuleFile::read(Path::new(path))?;
        let mut digest = ir::hash::StableHasher::new(0);
        digest.text(&file.module.to_string());
        let identity = format!("{path}#{}", &digest.finish().to_string()[..DIGEST]);
        let space = Space::new(file.module.clone()).map_err(|e| match e {
            MutateError::Verify(faults) => file.refuse(&faults),
            other => other.into(),
        })?;
        let space = space.identified(&identity);
        Ok(Self { space, file: Some(file) })
    }

    /// Registers the file that it is from, if it is from one.
    pub fn register(&self, outputs: &mut Outputs) -> Result<(), Failure> {
        self.file.as_ref().map_or(Ok(()), |file| outputs.reads("the module", &file.path))
    }

    /// The point that the user selected, if any.
    pub fn select(&self, selection: &Selection) -> Result<Option<Sample>, Failure> {
        let space = &self.space;
        if let Some(text) = &selection.sample {
            return Ok(Some(space.bind(&text.parse::<Sample>()?)?));
        }
        if let Some(text) = &selection.genotype {
            return Ok(Some(space.parse_genotype(text)?));
        }
        match selection.random {
            Some(seed) => Ok(Some(space.sample(&mut ChaCha8Rng::seed_from_u64(seed))?)),
            None => Ok(None),
        }
    }

    /// The network of a sample, or the whole space as a module.
    pub fn module(&self, sample: Option<&Sample>) -> Result<Module, Failure> {
        match sample {
            Some(sample) => Ok(self.space.module(sample)?),
            None => Ok(self.space.base().clone()),
        }
    }

    /// The network of a sample, or the supernet: every candidate of every choice, and the greatest of every number.
    pub fn program(&self, sample: Option<&Sample>) -> Result<Program, Failure> {
        if let Some(sample) = sample {
            return Ok(self.space.program(sample)?);
        }
        let open = |_: &str, _: Option<i64>| -> Option<Value> { None };
        Elaboration::supernet(self.space.base(), &open).run().map_err(|e| match &self.file {
            Some(file) => file.refuse(&e),
            None => ir_failure(&e),
        })
    }

    /// What is to be done about a network that does not fit a data set: to a space of the hub by its options, which the
    /// error says, and to a file where it says what does not fit.
    #[cfg(feature = "torch")]
    pub fn unfit(&self, e: TrainError) -> Failure {
        let Some(file) = &self.file else { return e.into() };
        let entry = file.module.graph(&file.module.entry);
        let input = entry.and_then(|g| g.inputs().next()).map(|node| node.name.clone());
        let at = |node: Option<Name>| file.at(Some(&file.module.entry), node.as_ref());
        let input_named = input.as_deref().unwrap_or_default();
        let (place, message) = match e {
            TrainError::Image { takes, data, image, option } => {
                let shape = option.replace('x', ", ");
                let remedy = format!("state f32[N, {shape}] as the type of %{input_named}");
                (at(input), format!("takes {takes}, but an image of `{data}` is {image}; {remedy}"))
            }
            TrainError::Classes { output, found, data, classes } => {
                let remedy = format!("let its last layer give {classes}, as `linear .. {{out={classes}}}`");
                (at(None), format!("output {output} is {found}, but `{data}` has {classes} classes; {remedy}"))
            }
            TrainError::Words { output, found, data, words } => {
                let remedy = format!("let its last layer give {words}, and its embedding take as many");
                (at(None), format!("output {output} is {found}, but `{data}` has {words} words; {remedy}"))
            }
            e => return e.into(),
        };
        Failure::usage(format!("{place}: @{}: {message}", file.module.entry))
    }

    /// Whether nothing is left to decide, so that the only network needs no sample.
    pub fn is_decided(&self) -> bool {
        self.space.schema().is_some_and(|s| s.slots().is_empty())
    }
}

/// Hexadecimal digits of a file's digest in a study's header.
const DIGEST: usize = 16;

/// The path alone. A study's header names a file with a digest of what it said, so that a changed file is noticed.
fn undigested(target: &str) -> &str {
    let digest = |text: &str| text.len() == DIGEST && text.bytes().all(|b| b.is_ascii_hexdigit());
    target.rsplit_once('#').filter(|(_, end)| digest(end)).map_or(target, |(path, _)| path)
}

fn ir_failure(faults: &Faults) -> Failure {
    MutateError::Verify(faults.clone()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_files_from_spaces() {
        for file in ["a.lir", "a.json", "./a", "cells/a", "/tmp/x:y.lir", "a.lir#0123456789abcdef"] {
            assert!(is_file(file), "{file}");
        }
        for space in ["toy", "darts:channels=36,layers=20", "nasbench201:dataset=imagenet16-120"] {
            assert!(!is_file(space), "{space}");
        }
    }

    #[test]
    fn finds_nodes() {
        let text = "module @m {\n  graph @ab(%x) {\n    %y = relu %x\n  }\n  graph @a(%x: f32[N, 3], %\"z z\") {\n    \
                    %yy = relu %x\n      %y = relu %x\n";
        let at = |graph: &str, node: Option<&str>| locate(text, Some(&Name::new(graph)), node.map(Name::new).as_ref());
        assert_eq!(at("ab", Some("y")), Some((3, 5)));
        assert_eq!(at("a", Some("y")), Some((7, 7)));
        assert_eq!(at("a", Some("x")), Some((5, 12)));
        assert_eq!(at("a", Some("z z")), Some((5, 27)));
        assert_eq!(at("a", None), Some((5, 9)));
        assert_eq!(at("ab", Some("yy")), None);
        assert_eq!(at("c", None), None);
    }
}
