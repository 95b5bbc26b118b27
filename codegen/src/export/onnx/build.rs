//! A graph of ONNX in the making: nodes with unique names, constants that are shared, the batch size as a value.

use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, dtype};
use crate::export::ExportError;
use crate::export::taken::Taken;
use ir::prim::{Prim, Var};
use ir::{DType, Dim, Name, TensorType};
use rustc_hash::FxHashMap;

/// The graph so far.
#[derive(Debug, Default)]
pub struct Build {
    pub graph: GraphProto,
    taken: Taken,
    constants: FxHashMap<(i32, Vec<i64>, Vec<u8>), String>,
    /// The name of each value of the plan; a result that has no counterpart has none.
    names: Vec<Option<String>>,
    /// An input with an axis that depends on the batch size.
    sized: Option<(String, usize, u64)>,
    /// The batch size, `[1]`.
    batch: Option<String>,
    /// The node that is being written.
    pub node: Name,
}

/// The format's element type. Floating-point elements are in single precision, whatever the graph says, as weights are.
pub fn elements(ty: DType) -> i32 {
    match ty {
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => dtype::FLOAT,
        DType::I32 => dtype::INT32,
        DType::I64 => dtype::INT64,
        DType::U8 => dtype::UINT8,
        DType::Bool => dtype::BOOL,
    }
}

impl Build {
    /// A graph for a plan of so many values.
    pub fn new(values: usize) -> Self {
        Self { names: vec![None; values], ..Self::default() }
    }

    /// A name like `name` that nothing has.
    pub fn take(&mut self, name: &str) -> String {
        self.taken.take(name)
    }

    /// Says what a value is called.
    pub fn set(&mut self, v: Var, name: String) {
        self.names[v.index()] = Some(name);
    }

    /// What a value is called.
    ///
    /// # Errors
    /// If the format has no counterpart of it.
    pub fn get(&self, v: Var, prim: &Prim) -> Result<String, ExportError> {
        self.names[v.index()].clone().ok_or_else(|| self.cannot(prim, "it needs more than a result of another one"))
    }

    /// What a value is called, if it has a counterpart.
    pub fn name_of(&self, v: Var) -> Option<&String> {
        self.names[v.index()].as_ref()
    }

    /// That a primitive cannot be exported.
    pub fn cannot(&self, prim: &Prim, why: &'static str) -> ExportError {
        ExportError::Prim { node: self.node.to_string(), prim: prim.to_string(), why }
    }

    /// Says which input tells the batch size.
    pub fn size_from(&mut self, input: &str, ty: &TensorType) {
        let axis = ty.shape.iter().position(|d| d.is_batch());
        if let (None, Some(axis)) = (&self.sized, axis) {
            self.sized = Some((input.to_owned(), axis, ty.shape[axis].per_example()));
        }
    }

    /// Adds a node, and returns the name of its result.
    pub fn op(&mut self, op: &str, x: &[&str], attributes: impl IntoIterator<Item = AttributeProto>) -> String {
        let base = if self.node.is_empty() { op.to_owned() } else { self.node.to_string() };
        let name = self.take(&base);
        self.graph.node.push(NodeProto {
            input: x.iter().map(|n| (*n).to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: op.to_owned(),
            attribute: attributes.into_iter().collect(),
        });
        name
    }

    /// A tensor that is part of the file, under a name that the caller has taken.
    pub fn initializer(&mut self, name: &str, data_type: i32, dims: Vec<i64>, raw: Vec<u8>) {
        self.graph.initializer.push(TensorProto { dims, data_type, name: name.to_owned(), raw_data: Some(raw) });
    }

    fn constant(&mut self, data_type: i32, dims: Vec<i64>, raw: Vec<u8>) -> String {
        let key = (data_type, dims, raw);
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let name = self.take("constant");
        self.initializer(&name, data_type, key.1.clone(), key.2.clone());
        self.constants.insert(key, name.clone());
        name
    }

    /// Numbers of a shape.
    pub fn floats(&mut self, dims: &[u32], values: impl IntoIterator<Item = f64>) -> String {
        let raw = values.into_iter().flat_map(|x| (x as f32).to_le_bytes()).collect();
        self.constant(dtype::FLOAT, dims.iter().map(|d| i64::from(*d)).collect(), raw)
    }

    /// One number.
    pub fn float(&mut self, value: f64) -> String {
        self.floats(&[], [value])
    }

    /// So many times the same number.
    pub fn filled(&mut self, dims: &[u32], value: f64) -> String {
        let n = dims.iter().map(|d| *d as usize).product();
        self.floats(dims, std::iter::repeat_n(value, n))
    }

    /// Whole numbers in a row.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(dtype::INT64, vec![values.len() as i64], raw)
    }

    /// One element of any type.
    pub fn scalar(&mut self, ty: DType, value: f64) -> String {
        let raw = match elements(ty) {
            dtype::FLOAT => (value as f32).to_le_bytes().to_vec(),
            dtype::INT32 => (value as i32).to_le_bytes().to_vec(),
            dtype::INT64 => (value as i64).to_le_bytes().to_vec(),
            _ => vec![value as u8],
        };
        self.constant(elements(ty), Vec::new(), raw)
    }

    /// The same values with elements of another type.
    pub fn cast(&mut self, x: &str, to: i32) -> String {
        self.op("Cast", &[x], [AttributeProto::int("to", to.into())])
    }

    /// A multiple of the batch size, `[1]`.
    fn batches(&mut self, factor: u64) -> String {
        let n = match self.batch.clone() {
            Some(n) => n,
            None => {
                let (input, axis, per) = self.sized.clone().expect("invariant: a batch comes from an input");
                let node = std::mem::replace(&mut self.node, Name::new_static("batch"));
                let ends = [AttributeProto::int("start", axis as i64), AttributeProto::int("end", axis as i64 + 1)];
                let mut n = self.op("Shape", &[&input], ends);
                if per > 1 {
                    let per = self.ints(&[per as i64]);
                    n = self.op("Div", &[&n, &per], []);
                }
                self.node = node;
                self.batch = Some(n.clone());
                n
            }
        };
        if factor == 1 {
            return n;
        }
        let factor = self.ints(&[factor as i64]);
        self.op("Mul", &[&n, &factor], [])
    }

    /// A place on an axis: a number, or of an axis that depends on the batch a multiple of the batch size, `[1]`.
    pub fn place(&mut self, i: u64, of_batch: bool) -> String {
        if of_batch && i > 0 { self.batches(i) } else { self.ints(&[i as i64]) }
    }

    /// The sizes of a tensor, in a row.
    pub fn sizes(&mut self, shape: &[Dim]) -> String {
        if shape.iter().all(|d| !d.is_batch()) {
            let sizes: Vec<i64> = shape.iter().map(|d| d.per_example() as i64).collect();
            return self.ints(&sizes);
        }
        let parts: Vec<String> = shape.iter().map(|d| self.place(d.per_example(), d.is_batch())).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.op("Concat", &parts, [AttributeProto::int("axis", 0)])
    }

    /// The same elements in another shape.
    pub fn reshape(&mut self, x: &str, from: &[Dim], to: &[Dim]) -> String {
        // A size that depends on the batch is copied (0) where it stands at its place, and one may be worked out (-1).
        let copied = |i: usize, d: &Dim| from.get(i) == Some(d);
        let open = to.iter().enumerate().filter(|(i, d)| d.is_batch() && !copied(*i, d)).count();
        let shape = if open > 1 {
            self.sizes(to)
        } else {
            let size = |(i, d): (usize, &Dim)| match d.known() {
                Some(n) => i64::from(n),
                None if copied(i, d) => 0,
                None => -1,
            };
            let sizes: Vec<i64> = to.iter().enumerate().map(size).collect();
            self.ints(&sizes)
        };
        self.op("Reshape", &[x, &shape], [])
    }
}
