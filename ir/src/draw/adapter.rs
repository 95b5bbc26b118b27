//! From modules to drawings: the entry graph and every graph that it reaches, a panel each.
//!
//! A graph whose merging nodes are joined by single operations is drawn in the field's way, as a cell: circles are
//! tensors, edges carry operations. Every other graph is drawn as operators.

use super::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};
use crate::fault::list;
use crate::graph::{Body, Graph, Val};
use crate::module::Module;
use crate::op::{Op, OpTemplate};
use crate::program::{Elaboration, Program};
use crate::ty::TensorType;
use crate::value::Name;
use crate::verify::default_of;
use petgraph::stable_graph::NodeIndex;
use rustc_hash::FxHashMap;

/// A name for what a node does, in place of the op's own: `skip_connect` for an `identity` that was chosen.
pub type Labels<'a> = &'a dyn Fn(&Graph, &Name) -> Option<String>;

impl Drawing {
    /// Draws a module. Types come from the defaults; a module that does not verify is drawn without.
    ///
    /// ```
    /// let module: ir::Module = "module @m {
    ///   entry @main
    ///   graph @main(%x: f32[N, 3, 8, 8]) {
    ///     %y = relu %x
    ///     return %y
    ///   }
    /// }".parse()?;
    /// assert!(ir::draw::Drawing::of(&module).to_svg().contains("relu"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(module: &Module) -> Self {
        Self::labelled(module, &|_, _| None)
    }

    /// Draws a module with names of one's own for nodes.
    #[must_use]
    pub fn labelled(module: &Module, labels: Labels<'_>) -> Self {
        let decide = |label: &str, index: Option<i64>| default_of(module, label, index);
        let program = Elaboration::new(module, &decide).run().ok();
        let mut drawing = Self::new(format!("@{}", module.name));
        let cost =
            program.as_ref().filter(|_| module.decisions.is_empty()).map(|p| p.cost(crate::Convention::Nasbench));
        if let Some(cost) = cost {
            let (params, macs) = (cost.params as f64 / 1e6, cost.macs as f64 / 1e6);
            drawing = drawing.with_subtitle(format!("{params:.2} M params, {macs:.1} M MACs"));
        }
        let mut sketches: Vec<Sketch> = reached(module)
            .into_iter()
            .map(|graph| match Cell::of(graph) {
                Some(cell) => cell.sketch(labels),
                None => operators(graph, program.as_ref(), labels),
            })
            .collect();
        // The network, its cells, then the blocks that they are made of.
        if let Some(rest) = sketches.get_mut(1..) {
            rest.sort_by_key(|s| !s.is_cell());
        }
        sketches.into_iter().fold(drawing, Self::with_sketch)
    }
}

impl Module {
    /// The module as a self-contained SVG picture.
    #[must_use]
    pub fn to_svg(&self) -> String {
        Drawing::of(self).to_svg()
    }

    /// The module as a Graphviz graph.
    #[must_use]
    pub fn to_dot(&self) -> String {
        Drawing::of(self).to_dot()
    }
}

/// The graphs that the entry reaches, in order of first use.
fn reached(module: &Module) -> Vec<&Graph> {
    let mut out: Vec<&Graph> = module.graph(&module.entry).map(|g| &**g).into_iter().collect();
    let mut next = 0;
    while next < out.len() {
        for node in out[next].nodes() {
            for callee in node.body.callees() {
                if let Some(graph) = module.graph(&callee.graph).filter(|g| out.iter().all(|o| o.name != g.name)) {
                    out.push(graph);
                }
            }
        }
        next += 1;
    }
    out
}

fn heading(graph: &Graph) -> String {
    let params: Vec<&str> = graph.params.iter().map(Name::as_str).collect();
    if params.is_empty() { format!("@{}", graph.name) } else { format!("@{}<{}>", graph.name, params.join(", ")) }
}

/// What a node does, in a word.
fn action(body: &Body) -> String {
    match body {
        Body::Input => "input".into(),
        Body::Op(op) => op.name().into(),
        Body::Call(callee) | Body::Repeat { callee, .. } => callee.graph.to_string(),
        Body::Choice { decision, .. } | Body::Select { decision, .. } => decision.to_string(),
    }
}

fn kind(body: &Body, word: &str) -> NodeKind {
    match body {
        Body::Input => NodeKind::Input,
        Body::Choice { .. } | Body::Select { .. } => NodeKind::Choice,
        Body::Call(_) | Body::Repeat { .. } => NodeKind::Call,
        Body::Op(_) => NodeKind::of_op(word),
    }
}

/// One box per node, one line for its attributes, one for its type where that is new.
fn operators(graph: &Graph, program: Option<&Program>, labels: Labels<'_>) -> Sketch {
    let mut sketch = Sketch::new(heading(graph), Direction::TopDown);
    let types = program.map(|p| value_types(graph, p)).unwrap_or_default();
    let mut place: FxHashMap<NodeIndex, usize> = FxHashMap::default();
    for &i in &graph.order {
        let node = &graph.net[i];
        let label = labels(graph, &node.name);
        let word = label.clone().unwrap_or_else(|| action(&node.body));
        let title = if node.body == Body::Input { format!("%{}", node.name) } else { word.clone() };
        let mut shown = SketchNode::new(format!("%{}", node.name), title, kind(&node.body, &word));
        for line in details(&node.body) {
            shown = shown.with_detail(line);
        }
        let before = graph.ports(i).first().and_then(|p| types.get(&p.node));
        if let Some(own) = types.get(&i).filter(|own| Some(*own) != before) {
            shown = shown.with_detail(own.clone());
        }
        let at = sketch.node(shown);
        place.insert(i, at);
        for port in graph.ports(i) {
            sketch.edge(SketchEdge::new(place[&port.node], at));
        }
    }
    for (n, port) in graph.outputs.iter().enumerate() {
        let title = if graph.outputs.len() == 1 { "output".to_owned() } else { format!("output {n}") };
        let at = sketch.node(SketchNode::new("return", title, NodeKind::Output));
        sketch.edge(SketchEdge::new(place[&port.node], at));
    }
    sketch
}

/// Attributes, arguments or candidates of a node, a line each.
fn details(body: &Body) -> Vec<String> {
    let attrs = |op: &OpTemplate| {
        let list: Vec<String> = op.attrs().iter().map(|(n, x)| format!("{n}={x}")).collect();
        list.chunks(3).map(|c| c.join(", ")).collect::<Vec<_>>()
    };
    match body {
        Body::Input => Vec::new(),
        Body::Op(op) => attrs(op),
        Body::Call(callee) if callee.args.is_empty() => Vec::new(),
        Body::Call(callee) => vec![callee.to_string()],
        Body::Repeat { depth, callee, .. } => vec![format!("{depth} x {callee}")],
        Body::Select { reduce, .. } => vec![format!("{} of the chosen", reduce.as_str())],
        Body::Choice { candidates, .. } => {
            let mut lines: Vec<String> = candidates.iter().take(8).map(|(n, _)| n.to_string()).collect();
            if candidates.len() > 8 {
                lines.push(format!("and {} more", candidates.len() - 8));
            }
            lines
        }
    }
}

/// The type of each node's first value, where all instantiations agree: `[N, 16, 32, 32]`.
fn value_types(graph: &Graph, program: &Program) -> FxHashMap<NodeIndex, String> {
    let mut found: FxHashMap<NodeIndex, Option<Vec<TensorType>>> = FxHashMap::default();
    for instance in program.instances.iter().filter(|i| i.graph.name == graph.name) {
        for step in &instance.steps {
            let own = instance.results(step).to_vec();
            let known = found.entry(step.node).or_insert_with(|| Some(own.clone()));
            if known.as_ref() != Some(&own) {
                *known = None;
            }
        }
    }
    let text = |types: Vec<TensorType>| {
        let text = list(&types);
        text.strip_prefix("f32").filter(|_| types.len() == 1).map_or(text.clone(), str::to_owned)
    };
    found.into_iter().filter_map(|(i, types)| Some((i, text(types?)))).collect()
}

/// A graph in the field's cell picture.
struct Cell<'a> {
    graph: &'a Graph,
    /// The tensors: inputs and merging nodes.
    tensors: Vec<NodeIndex>,
    /// The operations between tensors: the node, from, to.
    edges: Vec<(NodeIndex, NodeIndex, NodeIndex)>,
    /// Tensors that feed a tensor directly.
    direct: Vec<(NodeIndex, NodeIndex)>,
}

fn merges(body: &Body) -> bool {
    match body {
        Body::Input | Body::Select { .. } => true,
        Body::Op(OpTemplate::Fixed(op)) => matches!(op, Op::Add(_) | Op::Concat(_)),
        _ => false,
    }
}

impl<'a> Cell<'a> {
    /// The graph as a cell, if every node that merges nothing is one operation between two tensors.
    fn of(graph: &'a Graph) -> Option<Self> {
        let mut cell = Self { graph, tensors: Vec::new(), edges: Vec::new(), direct: Vec::new() };
        let mut source: FxHashMap<NodeIndex, NodeIndex> = FxHashMap::default();
        let mut uses: FxHashMap<NodeIndex, u32> = FxHashMap::default();
        for &i in &graph.order {
            let ports = graph.ports(i);
            if !merges(&graph.net[i].body) {
                let [one] = ports[..] else { return None };
                if source.contains_key(&one.node) {
                    return None;
                }
                source.insert(i, one.node);
                continue;
            }
            cell.tensors.push(i);
            for port in ports {
                match source.get(&port.node) {
                    Some(from) => {
                        cell.edges.push((port.node, *from, i));
                        *uses.entry(port.node).or_default() += 1;
                    }
                    None => cell.direct.push((port.node, i)),
                }
            }
        }
        let outputs_are_tensors = graph.outputs.iter().all(|p| cell.tensors.contains(&p.node));
        let once = source.keys().all(|i| uses.get(i) == Some(&1));
        let merging = cell.tensors.len() - graph.inputs.len();
        (outputs_are_tensors && once && merging >= 2 && cell.edges.len() >= 3).then_some(cell)
    }

    fn title(&self, i: NodeIndex, inner: &mut usize) -> (String, NodeKind) {
        let inputs = &self.graph.inputs;
        if let Some(place) = inputs.iter().position(|x| *x == i) {
            let title = match inputs.len() {
                1 => "in".to_owned(),
                2 => format!("c_{{k-{}}}", 2 - place),
                _ => place.to_string(),
            };
            return (title, NodeKind::Input);
        }
        if self.graph.outputs.iter().any(|p| p.node == i) {
            return (if inputs.len() == 2 { "c_{k}" } else { "out" }.to_owned(), NodeKind::Output);
        }
        *inner += 1;
        (if inputs.len() == 2 { *inner - 1 } else { *inner }.to_string(), NodeKind::Tensor)
    }

    fn sketch(&self, labels: Labels<'_>) -> Sketch {
        let mut sketch = Sketch::new(heading(self.graph), Direction::LeftRight);
        let mut place: FxHashMap<NodeIndex, usize> = FxHashMap::default();
        let mut inner = 0;
        for &i in &self.tensors {
            let (title, kind) = self.title(i, &mut inner);
            let id = Val::new(&self.graph.net[i].name).to_string();
            place.insert(i, sketch.node(SketchNode::new(id, title, kind)));
        }
        for (op, from, to) in &self.edges {
            let node = &self.graph.net[*op];
            let label = labels(self.graph, &node.name);
            let word = label.unwrap_or_else(|| action(&node.body));
            let cut = matches!(&node.body, Body::Op(OpTemplate::Fixed(Op::Zero(_))));
            let open = matches!(node.body, Body::Choice { .. });
            let kind = if open { NodeKind::Choice } else { NodeKind::of_op(&word) };
            let edge = SketchEdge::new(place[from], place[to]).with_op(word, kind);
            sketch.edge(if cut { edge.dashed() } else { edge });
        }
        for (from, to) in &self.direct {
            sketch.edge(SketchEdge::new(place[from], place[to]));
        }
        sketch
    }
}
