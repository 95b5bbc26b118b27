//! What an op emits, recorded to be printed: any op, also a downstream crate's own.

use super::expr::{Py, Typed, expression};
use crate::export::taken::Taken;
use ir::TensorType;
use ir::prim::{Emit, EmitError, Mode, Prim, Var};

/// An emitter that keeps what it is told.
#[derive(Debug)]
pub struct Record {
    mode: Mode,
    /// The type of each value, and where it comes from.
    values: Vec<(TensorType, From)>,
    prims: Vec<(Prim, Vec<Var>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Operand(usize),
    /// The result of that number of a primitive.
    Prim(usize, usize),
}

/// Results and the lines that make them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// Assignments, in order.
    pub lines: Vec<String>,
    /// The results.
    pub results: Vec<Py>,
}

/// Longest expression that is written inside another.
const LONGEST: usize = 72;

impl Record {
    /// A record of an op with operands of these types, its weights last.
    pub fn new(mode: Mode, operands: impl IntoIterator<Item = TensorType>) -> Self {
        let values = operands.into_iter().enumerate().map(|(i, ty)| (ty, From::Operand(i))).collect();
        Self { mode, values, prims: Vec::new() }
    }

    /// Whether both make the same results from the same primitives.
    pub fn equals(&self, other: &Self) -> bool {
        self.prims == other.prims
    }

    /// The primitive of which more than the first result is used, if any: PyTorch's functions give one.
    pub fn auxiliary(&self, results: &[Var]) -> Option<&Prim> {
        let used = self.prims.iter().flat_map(|(_, x)| x).chain(results);
        used.filter_map(|v| match self.values[v.index()].1 {
            From::Prim(at, k) if k > 0 => Some(&self.prims[at].0),
            _ => None,
        })
        .next()
    }

    /// The record as Python. An intermediate result that is used once is written where it is used; others get names
    /// like `name`.
    pub fn print(
        &self,
        results: &[Var],
        operands: &[Typed],
        near: Option<&Typed>,
        name: &str,
        locals: &mut Taken,
    ) -> Printed {
        let mut uses = vec![0usize; self.values.len()];
        self.prims.iter().flat_map(|(_, x)| x).chain(results).for_each(|v| uses[v.index()] += 1);
        let mut lines = Vec::new();
        let mut made: Vec<Option<Py>> = vec![None; self.values.len()];
        for (at, (_, from)) in self.values.iter().enumerate() {
            let From::Prim(prim, k) = *from else {
                let From::Operand(i) = *from else { unreachable!("invariant: there are two kinds") };
                made[at] = Some(operands[i].py.clone());
                continue;
            };
            if k > 0 || uses[at] == 0 {
                continue;
            }
            let (prim, x) = &self.prims[prim];
            let x: Vec<Typed> = x
                .iter()
                .map(|v| Typed {
                    py: made[v.index()].clone().expect("invariant: operands come first"),
                    ty: self.values[v.index()].0.clone(),
                })
                .collect();
            let py = expression(prim, &x, near);
            let result = results.contains(&Var(at as u32));
            let named = uses[at] > 1 || (py.text.len() > LONGEST && !result) || (prim.updates() && !result);
            made[at] = Some(if named {
                let local = locals.take(name);
                lines.push(format!("{local} = {}", py.text));
                Py::atom(local)
            } else {
                py
            });
        }
        let results = results
            .iter()
            .map(|v| made[v.index()].clone().expect("invariant: a result is an operand or made"))
            .collect();
        Printed { lines, results }
    }
}

impl Emit for Record {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn type_of(&self, v: Var) -> &TensorType {
        &self.values[v.index()].0
    }

    fn prim(&mut self, prim: Prim, x: &[Var]) -> Result<Var, EmitError> {
        let types: Vec<&TensorType> = x.iter().map(|v| &self.values[v.index()].0).collect();
        let types = prim.infer(&types);
        let types = types.map_err(|source| EmitError::Prim { prim: prim.to_string(), source })?;
        let (first, at) = (Var(self.values.len() as u32), self.prims.len());
        self.values.extend(types.into_iter().enumerate().map(|(k, ty)| (ty, From::Prim(at, k))));
        self.prims.push((prim, x.to_vec()));
        Ok(first)
    }
}
