//! NasBench101Cell: any small graph, with the benchmark's pruning and channel split (Ying et al. 2019).

use crate::chooser::Chooser;
use crate::error::MutateError;
use crate::mutator::Mutator;
use crate::nasbench101::{CellSpec, MAX_INTERIOR, MAX_VERTICES, Op101};
use crate::sample::Sample;
use ir::expr::{BinOp, Expr, Func};
use ir::graph::{Body, Callee, Val};
use ir::{Decision, Domain, Graph, GraphBuilder, Module, Name, OpTemplate, Patch, Value};
use std::sync::LazyLock;

/// Labels of the edges, `e01`, `e02`, `e12` and so on, in the order of the bits of [`CellSpec::adj`].
static EDGES: LazyLock<Vec<Name>> = LazyLock::new(|| {
    (1..MAX_VERTICES).flat_map(|to| (0..to).map(move |from| Name::new(format!("e{from}{to}")))).collect()
});

/// Labels of the operations of the vertices 1 to 5.
static OPS: LazyLock<Vec<Name>> = LazyLock::new(|| (1..=MAX_INTERIOR).map(|v| Name::new(format!("op{v}"))).collect());

static EDGE_DOMAIN: LazyLock<Domain> = LazyLock::new(|| Domain::Categorical(vec![Value::Int(0), Value::Int(1)]));

static OP_DOMAIN: LazyLock<Domain> =
    LazyLock::new(|| Domain::Categorical(Op101::ALL.iter().map(|op| Value::label(short(*op))).collect()));

/// The label of an operation as a decision's value.
pub(crate) fn short(op: Op101) -> &'static str {
    match op {
        Op101::Conv3x3 => "conv3x3",
        Op101::Conv1x1 => "conv1x1",
        Op101::MaxPool3x3 => "maxpool3x3",
    }
}

/// The cell that a sample of the space `nasbench101` stands for, as sampled: not pruned.
#[must_use]
pub fn cell_of(sample: &Sample) -> Option<CellSpec> {
    let schema = sample.schema();
    let picks = sample.picks();
    // In the space's own order the picks are the bits and digits; any other order goes by label.
    let ordered = picks.len() == EDGES.len() + OPS.len() && schema.slots()[0].label == EDGES[0];
    let rank = |at: usize, label: &Name, domain: &Domain| -> Option<u64> {
        if ordered {
            return Some(picks[at].rank());
        }
        domain.pick(&sample.get(label)?).map(ir::Pick::rank)
    };
    let mut adj = 0u32;
    for (bit, label) in EDGES.iter().enumerate() {
        adj |= (rank(bit, label, &EDGE_DOMAIN)? as u32) << bit;
    }
    let mut ops = [Op101::default(); MAX_INTERIOR];
    for (v, label) in OPS.iter().enumerate() {
        ops[v] = Op101::from_digit(rank(EDGES.len() + v, label, &OP_DOMAIN)? as u8)?;
    }
    CellSpec::new(MAX_VERTICES, adj, &ops).ok()
}

/// The decisions and values of a cell of any size: its interior vertices come first, the output is vertex 6.
#[must_use]
pub fn pairs_of(cell: &CellSpec) -> Vec<(Name, Value)> {
    let place = |v: usize| if v + 1 == cell.n() { MAX_VERTICES - 1 } else { v };
    let mut pairs: Vec<(Name, Value)> = EDGES.iter().map(|l| (l.clone(), Value::Int(0))).collect();
    for (from, to) in cell.edges() {
        let (from, to) = (place(from), place(to));
        pairs[from + to * (to - 1) / 2].1 = Value::Int(1);
    }
    for (v, label) in OPS.iter().enumerate() {
        let op = cell.op(v + 1).unwrap_or_default();
        pairs.push((label.clone(), Value::label(short(op))));
    }
    pairs
}

/// Defines the graph of a cell, `@cell<c>`, from its matrix and operations. Static.
///
/// The graph calls `@conv_bn_relu<c, k>` of the base module. Vertices that lie on no path are pruned. The output
/// concatenates what feeds it; its channels are split among those vertices, the first ones take the remainder, and a
/// vertex that feeds only others has the widest of theirs. An edge from the input projects it by a 1x1 convolution.
#[derive(Clone, Debug)]
pub struct NasBench101Cell {
    graph: Name,
}

impl NasBench101Cell {
    /// The cell as a graph of that name.
    #[must_use]
    pub fn new(graph: &str) -> Self {
        Self { graph: Name::new(graph) }
    }

    /// Its decisions: 21 edges and 5 operations. The default is the edge from input to output alone.
    ///
    /// # Panics
    /// Never: the domains are constants.
    #[must_use]
    pub fn decisions() -> Vec<Decision> {
        let make = |label: &Name, domain: &Domain| Decision::new(label, domain.clone()).expect("invariant: a domain");
        let mut out: Vec<Decision> = EDGES.iter().map(|l| make(l, &EDGE_DOMAIN)).collect();
        let direct = MAX_VERTICES * (MAX_VERTICES - 1) / 2 - (MAX_VERTICES - 1);
        out[direct].default = ir::Pick::index(1);
        out.extend(OPS.iter().map(|l| make(l, &OP_DOMAIN)));
        out
    }

    /// The graph of a pruned cell.
    ///
    /// # Errors
    /// Never for a valid cell.
    pub fn graph(&self, cell: &CellSpec) -> Result<Graph, MutateError> {
        let n = cell.n();
        let mut b = GraphBuilder::new(&self.graph, ["c"]);
        let input = b.input("in");
        let feeding: Vec<usize> = (1..n - 1).filter(|v| cell.has_edge(*v, n - 1)).collect();
        // Rank of a vertex's share among the output's: its own place, or the least of those that it feeds.
        let mut share = vec![usize::MAX; n];
        for v in (1..n - 1).rev() {
            let own = feeding.iter().position(|f| *f == v);
            let below = (v + 1..n - 1).filter(|w| cell.has_edge(v, *w)).map(|w| share[w]).min();
            share[v] = own.or(below).unwrap_or(0);
        }
        let width = |rank: usize| width(rank, feeding.len());
        let mut values: Vec<Val> = vec![input.clone()];
        for v in 1..n - 1 {
            let mut sum: Vec<Val> = Vec::new();
            for from in (1..v).filter(|w| cell.has_edge(*w, v)) {
                let mut x = values[from].clone();
                if share[from] != share[v] {
                    let slice = slice_to(width(share[v]))?;
                    x = b.node(format!("cut{from}{v}"), Body::Op(slice), [&x]);
                }
                sum.push(x);
            }
            if cell.has_edge(0, v) {
                sum.push(project(&mut b, &format!("project{v}"), &input, width(share[v])));
            }
            let x = match &sum[..] {
                [one] => one.clone(),
                many => b.node(format!("sum{v}"), Body::Op(ADD.clone()), many),
            };
            let name = format!("v{v}");
            values.push(match cell.op(v).unwrap_or_default() {
                Op101::MaxPool3x3 => b.node(name, Body::Op(POOL.clone()), [&x]),
                conv => {
                    let k = if conv == Op101::Conv1x1 { 1 } else { 3 };
                    b.call(name, "conv_bn_relu", [width(share[v]), Expr::int(k)], [&x])
                }
            });
        }
        let parts: Vec<&Val> = feeding.iter().map(|v| &values[*v]).collect();
        let mut out = match &parts[..] {
            [] => project(&mut b, "project_out", &input, Expr::ident("c")),
            [one] => (*one).clone(),
            many => b.node("concat", Body::Op(CONCAT.clone()), many.iter().copied()),
        };
        if !parts.is_empty() && cell.has_edge(0, n - 1) {
            let direct = project(&mut b, "project_out", &input, Expr::ident("c"));
            out = b.node("out", Body::Op(ADD.clone()), [&out, &direct]);
        }
        b.output(out);
        Ok(b.finish()?)
    }
}

static ADD: LazyLock<OpTemplate> = LazyLock::new(|| template("add"));
static CONCAT: LazyLock<OpTemplate> = LazyLock::new(|| template("concat"));
static POOL: LazyLock<OpTemplate> = LazyLock::new(|| template("max_pool {k=3, stride=1, pad=1}"));

fn template(text: &str) -> OpTemplate {
    OpTemplate::parse(text, &[]).expect("invariant: the text is a constant op")
}

/// `c // parts`, and one more for the first `c % parts` shares.
fn width(rank: usize, parts: usize) -> Expr {
    let c = || Box::new(Expr::ident("c"));
    if parts < 2 {
        return *c();
    }
    let n = || Box::new(Expr::int(parts as i64));
    let even = Expr::Binary(BinOp::FloorDiv, c(), n());
    let rest = Expr::Binary(BinOp::Mod, c(), n());
    let more = Expr::Binary(BinOp::Gt, Box::new(rest), Box::new(Expr::int(rank as i64)));
    Expr::Binary(BinOp::Add, Box::new(even), Box::new(Expr::Func(Func::If, vec![more, Expr::int(1), Expr::int(0)])))
}

fn slice_to(width: Expr) -> Result<OpTemplate, MutateError> {
    let kind = ir::OpRegistry::default().kind("slice").map_err(ir::fault::What::Op);
    let kind = kind.expect("invariant: slice is built in");
    let attrs = vec![(Name::new_static("axis"), Expr::int(1)), (Name::new_static("end"), width)];
    Ok(OpTemplate::new(kind, attrs, &[Name::new_static("c")]).expect("invariant: slice has these attributes"))
}

fn project(b: &mut GraphBuilder, name: &str, input: &Val, width: Expr) -> Val {
    b.node(name, Body::Call(Callee::new("conv_bn_relu", [width, Expr::int(1)])), [input])
}

impl Mutator for NasBench101Cell {
    fn label(&self) -> &str {
        "nasbench101-cell"
    }

    fn decisions(&self, _: &Module) -> Option<Vec<Decision>> {
        Some(Self::decisions())
    }

    fn mutate(&self, _: &Module, chooser: &mut dyn Chooser) -> Result<Patch, MutateError> {
        let mut adj = 0u32;
        for (bit, label) in EDGES.iter().enumerate() {
            let on = chooser.choose(label, &EDGE_DOMAIN)?.as_int() == Some(1);
            adj |= u32::from(on) << bit;
        }
        let mut ops = [Op101::default(); MAX_INTERIOR];
        for (v, label) in OPS.iter().enumerate() {
            let value = chooser.choose(label, &OP_DOMAIN)?;
            let rank = OP_DOMAIN.pick(&value).map_or(0, ir::Pick::rank);
            ops[v] = Op101::from_digit(rank as u8).unwrap_or_default();
        }
        let illegal = || MutateError::Illegal(format!("\"{LEGAL}\""));
        let cell = CellSpec::new(MAX_VERTICES, adj, &ops).map_err(|_| illegal())?;
        let pruned = cell.prune().ok_or_else(illegal)?;
        let mut patch = Patch::new(self.label());
        patch.define(self.graph(&pruned)?);
        Ok(patch)
    }
}

/// What the benchmark demands of a cell.
pub(crate) const LEGAL: &str = "input and output are connected, by at most 9 edges after pruning";
