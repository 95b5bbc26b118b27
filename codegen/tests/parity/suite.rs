//! A suite of networks and runs: written to a folder, checked by one Python process, reported tensor by tensor.

use crate::common::{executor_of, fused_plan, training_plan};
use codegen::array::{Array, Data, Weights};
use codegen::checkpoint::Checkpoint;
use codegen::export::{onnx, pytorch};
use codegen::init::{initialise, stream, unit};
use codegen::torch::{Layout, Run, to_array, to_tensor};
use codegen::{Lowering, Plan};
use ir::op::Init;
use ir::prim::Mode;
use ir::{DType, Name, Program, TensorType};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use tch::{Kind, Tensor};

/// Networks and runs in a folder.
pub struct Suite {
    folder: tempfile::TempDir,
    networks: usize,
    runs: Vec<serde_json::Value>,
}

/// A network that was exported, with its weights.
pub struct Exported {
    name: String,
    pub program: Program,
    pub weights: Weights,
}

/// How a network is run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    pub mode: Mode,
    pub kind: Kind,
    pub layout: Layout,
    pub fused: bool,
}

/// What Python says about a run.
#[derive(Debug, Deserialize)]
pub struct Report {
    pub name: String,
    #[serde(default)]
    pub tensors: Vec<(String, serde_json::Value, serde_json::Value)>,
    pub error: Option<String>,
}

impl Report {
    /// A tensor's distance from PyTorch's, and PyTorch's own error.
    pub fn rows(&self) -> impl Iterator<Item = (&str, f64, f64)> {
        assert_eq!(self.error, None, "{}", self.name);
        self.tensors.iter().map(|(name, gap, own)| {
            let number = |v: &serde_json::Value| v.as_f64().unwrap_or_else(|| panic!("{} {name}: {v}", self.name));
            (name.as_str(), number(gap), number(own))
        })
    }

    /// The tensor that is farthest away, of those whose name begins so.
    pub fn worst(&self, prefixes: &[&str]) -> (String, f64) {
        let rows = self.rows().filter(|(n, ..)| prefixes.iter().any(|p| n.starts_with(p)));
        let worst = rows.map(|(n, gap, _)| (n.to_owned(), gap)).max_by(|a, b| a.1.total_cmp(&b.1));
        worst.unwrap_or_default()
    }
}

impl Exported {
    /// A network without weights, of which Python knows nothing.
    pub fn unwritten(program: Program) -> Self {
        Self { name: String::new(), program, weights: Weights::new() }
    }
}

impl Suite {
    pub fn new() -> Self {
        crate::common::start();
        Self { folder: tempfile::tempdir().expect("a folder"), networks: 0, runs: Vec::new() }
    }

    /// Exports a network with weights away from their simple first values, so that each counts.
    pub fn network(&mut self, title: &str, program: &Program) -> Exported {
        let name = format!("net{}", self.networks);
        self.networks += 1;
        let source = pytorch::source(program, title).unwrap_or_else(|e| panic!("{title}: {e}"));
        std::fs::write(self.folder.path().join(format!("{name}.py")), source).expect("written");
        let plan = Lowering::of(program, Mode::Eval).expect("lowers").finish();
        let weights = varied(&plan);
        let file = Checkpoint { arrays: weights.clone(), ..Checkpoint::default() };
        file.save(&self.folder.path().join(format!("{name}.safetensors"))).expect("written");
        Exported { name, program: program.clone(), weights }
    }

    /// Runs a network here, and leaves the rest to Python.
    pub fn run(&mut self, net: &Exported, how: How, inputs: &[Tensor]) {
        let How { mode, kind, layout, fused } = how;
        let plan = if fused { fused_plan(&net.program, mode) } else { training_plan(&net.program, mode) };
        let mut given: Vec<Tensor> = inputs.iter().map(Tensor::shallow_clone).collect();
        for (i, v) in plan.inputs.iter().enumerate().skip(inputs.len()) {
            let batch = batch_of(&plan, inputs);
            given.push(crate::common::noise(plan.type_of(*v), batch, 100 + i as u64, (-1.0, 1.0)));
        }
        let own = inputs.len();
        let (exec, mut params) = executor_of(plan, &net.weights, kind, layout);
        let name = format!("run{}", self.runs.len());
        let outcome = exec.run(&mut params, &given, &Run::default()).unwrap_or_else(|e| panic!("{}: {e}", net.name));
        let mut arrays = Weights::new();
        let mut keep = |name: String, t: &Tensor| {
            arrays.insert(Name::new(name), to_array(t).expect("on the CPU"));
        };
        for (i, t) in given.iter().enumerate() {
            let name = if i < own { format!("input.{i}") } else { format!("noise.{}", i - own) };
            keep(name, t);
        }
        outcome.outputs[1..].iter().enumerate().for_each(|(i, t)| keep(format!("output.{i}"), t));
        for (i, t) in given[..own].iter().enumerate().filter(|(_, t)| t.is_floating_point()) {
            let grad =
                outcome.input_grads[i].as_ref().map_or_else(|| t.zeros_like().to_kind(kind), Tensor::shallow_clone);
            keep(format!("input_grad.{i}"), &grad);
        }
        // Statistics that reach no output: a plan leaves their batch norm out, PyTorch updates them.
        let mut idle = Vec::new();
        for (w, weight) in exec.plan().weights.iter().enumerate() {
            let used = exec.plan().steps.iter().any(|s| s.operands.contains(&weight.var));
            match params.grad_of(w) {
                Some(grad) => keep(format!("grad.{}", weight.path), grad),
                None if used => keep(format!("after.{}", weight.path), params.get(w)),
                None => idle.push(format!("after.{}", weight.path)),
            }
        }
        let file = Checkpoint { arrays, ..Checkpoint::default() };
        file.save(&self.folder.path().join(format!("{name}.safetensors"))).expect("written");
        let dtype = if kind == Kind::Double { "float64" } else { "float32" };
        self.runs.push(serde_json::json!({
            "name": name, "network": net.name, "dtype": dtype, "train": mode == Mode::Train,
            "channels_last": layout == Layout::ChannelsLast, "idle": idle,
        }));
    }

    /// Exports a network to ONNX, runs it here in evaluation and single precision, and leaves the rest to Python.
    pub fn onnx(&mut self, title: &str, program: &Program, batches: &[Vec<Tensor>]) {
        let network = format!("net{}", self.networks);
        self.networks += 1;
        let plan = Lowering::of(program, Mode::Eval).expect("lowers").finish();
        let weights = varied(&plan);
        let model = onnx::model(program, &weights, title).unwrap_or_else(|e| panic!("{title}: {e}"));
        std::fs::write(self.folder.path().join(format!("{network}.onnx")), model).expect("written");
        let (exec, mut params) = executor_of(plan, &weights, Kind::Float, Layout::Contiguous);
        for inputs in batches {
            let outcome = exec.run(&mut params, inputs, &Run::default()).unwrap_or_else(|e| panic!("{title}: {e}"));
            let mut arrays = Weights::new();
            for (kind, tensors) in [("input", inputs), ("output", &outcome.outputs)] {
                for (i, t) in tensors.iter().enumerate() {
                    arrays.insert(Name::new(format!("{kind}.{i}")), to_array(t).expect("on the CPU"));
                }
            }
            let name = format!("run{}", self.runs.len());
            let file = Checkpoint { arrays, ..Checkpoint::default() };
            file.save(&self.folder.path().join(format!("{name}.safetensors"))).expect("written");
            self.runs.push(serde_json::json!({"name": name, "network": network}));
        }
    }

    /// Has all runs checked by a script.
    pub fn check(self, python: &Path, name: &str) -> Vec<Report> {
        let suite = serde_json::to_string(&self.runs).expect("JSON");
        std::fs::write(self.folder.path().join("suite.json"), suite).expect("written");
        let text = script(python, name, self.folder.path());
        let reports: Vec<Report> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert_eq!(reports.len(), self.runs.len());
        reports
    }
}

/// Runs a script of this folder with a folder as its argument, and returns what it prints.
pub fn script(python: &Path, name: &str, folder: &Path) -> String {
    // At run time, where the test's binary has been carried to another machine.
    let home = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
    let script = Path::new(&home).join("tests/parity").join(name);
    let output = Command::new(python).arg(script).arg(folder).env("PYTHONDONTWRITEBYTECODE", "1").output();
    let output = output.expect("Python runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Weights near their first values, but for those that start at a constant: these are spread around it.
pub fn varied(plan: &Plan) -> Weights {
    let mut weights = initialise(plan, 5);
    for w in &plan.weights {
        if matches!(w.spec.init, Init::Zeros | Init::Ones) {
            let mut rng = stream(6, &[w.path.as_bytes()]);
            let array = &weights[&w.path];
            let spread = array.to_f32().iter().map(|v| v + unit(&mut rng) - 0.5).collect();
            let array = Array { shape: array.shape.clone(), data: Data::F32(spread) };
            weights.insert(w.path.clone(), array);
        }
    }
    weights
}

fn batch_of(plan: &Plan, inputs: &[Tensor]) -> i64 {
    let sized = plan.inputs.iter().zip(inputs).find_map(|(v, t)| {
        let shape = &plan.type_of(*v).shape;
        let axis = shape.iter().position(|d| d.is_batch())?;
        Some(t.size()[axis] / shape[axis].per_example() as i64)
    });
    sized.unwrap_or(1)
}

/// Different numbers in `low..high`, none near a kink of an activation (0, 3, -3, 6), in random order; small whole numbers
/// for other types.
pub fn distinct(ty: &TensorType, batch: i64, seed: u64, (low, high): (f32, f32)) -> Tensor {
    let sizes: Vec<i64> =
        ty.shape.iter().map(|d| d.per_example() as i64 * if d.is_batch() { batch } else { 1 }).collect();
    let n = sizes.iter().product::<i64>() as usize;
    let mut rng = stream(seed, &[b"distinct"]);
    if !ty.dtype.is_float() {
        let whole: Vec<i64> = (0..n).map(|_| (unit(&mut rng) * 9.0) as i64).collect();
        let array = Array { shape: sizes.iter().map(|d| *d as usize).collect(), data: Data::I64(whole) };
        return to_tensor(&array).expect("an array").to_kind(if ty.dtype == DType::Bool {
            Kind::Bool
        } else {
            Kind::Int64
        });
    }
    let near = |x: f32| [-3.0, 0.0, 3.0, 6.0].iter().any(|k| (x - k).abs() < 0.02);
    // A grid with room for what lies near a kink.
    let grid = 2 * n + 16;
    let values = (0..grid).map(|i| low + (high - low) * (i as f32 + 0.5) / grid as f32).filter(|x| !near(*x));
    let mut values: Vec<f32> = values.collect();
    for i in (1..values.len()).rev() {
        values.swap(i, (unit(&mut rng) * (i + 1) as f32) as usize);
    }
    Tensor::from_slice(&values[..n]).view(&sizes[..])
}
