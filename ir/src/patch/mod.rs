//! Patches: the way to edit a module. A patch is a list of edits; applying it makes a new module and leaves the old one.
//!
//! * `tap` names a value, `add` makes nodes, `splice` writes a graph out in place, `shunt` moves users over,
//!   `replace` changes what a node does, `rewire` its operands and `tie` its weights, `specialize` gives one call a graph of its own,
//!   `define` sets a whole graph, `remove` takes one away.
//! * Nodes that no output needs after the edits are dropped from the graphs that were edited.
//! * [`Patch::apply`] verifies the whole module again, so that a parametric graph is re-checked in every instantiation.

mod draft;

use crate::builder::{GraphError, IntoTemplate};
use crate::decision::Decision;
use crate::expr::Expr;
use crate::fault::Faults;
use crate::graph::{Body, Graph, Val};
use crate::module::{DuplicateLabel, Module};
use crate::ty::TensorType;
use crate::value::Name;
use crate::verify::verify;
use draft::{Draft, DraftNode};
use std::sync::Arc;

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// An edit of a graph or node that is not there.
    #[error("patch `{patch}`: {what}; it has {known}")]
    Missing {
        /// The patch's name.
        patch: Name,
        /// What is missing: `no graph @cell`, `no node %x in @cell`.
        what: String,
        /// What is there.
        known: String,
    },
    /// A label that the module declares in another way.
    #[error("patch `{patch}`: {source}")]
    Label {
        /// The patch's name.
        patch: Name,
        /// The two declarations.
        source: DuplicateLabel,
    },
    /// Nodes that make no graph.
    #[error("patch `{patch}`: {source}")]
    Graph {
        /// The patch's name.
        patch: Name,
        /// Why.
        source: GraphError,
    },
    /// A module that does not verify.
    #[error("patch `{patch}`: {source}")]
    Faults {
        /// The patch's name.
        patch: Name,
        /// Everything that is wrong.
        source: Faults,
    },
}

#[derive(Clone, Debug)]
enum Edit {
    Define(Arc<Graph>),
    Declare(Decision),
    Constrain(Expr),
    Specialize {
        graph: Name,
        node: Name,
        copy: Name,
    },
    Add {
        graph: Name,
        node: Name,
        body: Body,
        operands: Vec<Val>,
        declared: Option<Vec<TensorType>>,
        weights: Option<Name>,
    },
    Replace {
        graph: Name,
        node: Name,
        body: Body,
    },
    Rewire {
        graph: Name,
        node: Name,
        operands: Vec<Val>,
    },
    Tie {
        graph: Name,
        node: Name,
        weights: Name,
    },
    Sweep {
        graph: Name,
    },
    Remove {
        graph: Name,
    },
    Shunt {
        graph: Name,
        from: Val,
        to: Val,
    },
}

/// A list of edits. See the module.
///
/// ```
/// use ir::{Module, Patch};
/// let module: Module = "module @m {
///   entry @main
///   graph @main(%x: f32[N, 8, 4, 4]) {
///     %y = relu %x
///     %z = add %x, %y
///     return %z
///   }
/// }".parse()?;
/// let mut patch = Patch::new("relu-twice");
/// let y = patch.tap("y");
/// let again = patch.add("main", "again", "relu", [&y])?;
/// patch.shunt("main", &y, &again);
/// let edited = patch.apply(&module)?;
/// assert_eq!(edited.graph("main").map(|g| g.len()), Some(4));
/// assert_eq!(module.graph("main").map(|g| g.len()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patch {
    name: Name,
    edits: Vec<Edit>,
}

impl Patch {
    /// An empty patch, named after the mutator or rule that makes it.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self { name: Name::new(name), edits: Vec::new() }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The value of a node that is there already, `name` or `name.out`.
    #[must_use]
    pub fn tap(&self, value: &str) -> Val {
        Val::from(value)
    }

    /// Sets a graph, in place of one of the same name.
    pub fn define(&mut self, graph: impl Into<Arc<Graph>>) {
        self.edits.push(Edit::Define(graph.into()));
    }

    /// Declares a decision.
    pub fn declare(&mut self, decision: Decision) {
        self.edits.push(Edit::Declare(decision));
    }

    /// Adds a constraint over decisions.
    pub fn constrain(&mut self, constraint: Expr) {
        self.edits.push(Edit::Constrain(constraint));
    }

    /// Adds an op to a graph; attributes may name the graph's parameters only through a template made for it.
    ///
    /// # Errors
    /// If the op's text is malformed.
    pub fn add<V: Into<Val>>(
        &mut self,
        graph: impl AsRef<str>,
        node: impl AsRef<str>,
        op: impl IntoTemplate,
        operands: impl IntoIterator<Item = V>,
    ) -> Result<Val, crate::text::ParseError> {
        let template = op.into_template(&[])?;
        Ok(self.add_body(graph, node, Body::Op(template), operands))
    }

    /// Adds a node of any body to a graph.
    pub fn add_body<V: Into<Val>>(
        &mut self,
        graph: impl AsRef<str>,
        node: impl AsRef<str>,
        body: Body,
        operands: impl IntoIterator<Item = V>,
    ) -> Val {
        let (graph, node) = (Name::new(graph), Name::new(node));
        let operands = operands.into_iter().map(Into::into).collect();
        let val = Val { node: node.clone(), out: 0 };
        self.edits.push(Edit::Add { graph, node, body, operands, declared: None, weights: None });
        val
    }

    /// Writes the nodes of `piece` into a graph, named `prefix/node`, with its inputs bound to these values; returns
    /// the values of its outputs. Its parameters must be those of the graph, or none.
    pub fn splice(&mut self, graph: impl AsRef<str>, prefix: &str, piece: &Graph, inputs: &[Val]) -> Vec<Val> {
        let graph = Name::new(graph);
        let rename = |v: Val| match piece.inputs.iter().position(|i| piece.net[*i].name == v.node) {
            Some(place) => inputs.get(place).cloned().unwrap_or(v),
            None => Val { node: Name::new(format!("{prefix}/{}", v.node)), out: v.out },
        };
        for node in piece.nodes().filter(|n| n.body != Body::Input) {
            self.edits.push(Edit::Add {
                graph: graph.clone(),
                node: Name::new(format!("{prefix}/{}", node.name)),
                body: node.body.clone(),
                operands: piece.operands(&node.name).into_iter().map(rename).collect(),
                declared: node.declared.clone(),
                weights: node.weights.as_ref().map(|w| Name::new(format!("{prefix}/{w}"))),
            });
        }
        piece.outputs().map(rename).collect()
    }

    /// Changes what a node does; its name and operands stay, but weights that it took from another name are its own.
    pub fn replace(&mut self, graph: impl AsRef<str>, node: impl AsRef<str>, body: Body) {
        self.edits.push(Edit::Replace { graph: Name::new(graph), node: Name::new(node), body });
    }

    /// Gives a node other operands; its name and what it does stay.
    pub fn rewire<V: Into<Val>>(
        &mut self,
        graph: impl AsRef<str>,
        node: impl AsRef<str>,
        operands: impl IntoIterator<Item = V>,
    ) {
        let operands = operands.into_iter().map(Into::into).collect();
        self.edits.push(Edit::Rewire { graph: Name::new(graph), node: Name::new(node), operands });
    }

    /// Lets a node use the weights of that name, as [`GraphBuilder::tie`](crate::GraphBuilder::tie) does.
    pub fn tie(&mut self, graph: impl AsRef<str>, node: impl AsRef<str>, weights: impl AsRef<str>) {
        let (graph, node, weights) = (Name::new(graph), Name::new(node), Name::new(weights));
        self.edits.push(Edit::Tie { graph, node, weights });
    }

    /// Drops the nodes of a graph that no output needs, as in every graph that is edited.
    pub fn sweep(&mut self, graph: impl AsRef<str>) {
        self.edits.push(Edit::Sweep { graph: Name::new(graph) });
    }

    /// Takes a graph away; no other may call it.
    pub fn remove(&mut self, graph: impl AsRef<str>) {
        self.edits.push(Edit::Remove { graph: Name::new(graph) });
    }

    /// Moves every use of `from`, outputs included, to `to`; nodes that this patch added before keep using `from`.
    pub fn shunt(&mut self, graph: impl AsRef<str>, from: impl Into<Val>, to: impl Into<Val>) {
        self.edits.push(Edit::Shunt { graph: Name::new(graph), from: from.into(), to: to.into() });
    }

    /// Gives a single call a copy of its graph, named `copy`, that later edits may change for this call alone.
    pub fn specialize(&mut self, graph: impl AsRef<str>, node: impl AsRef<str>, copy: impl AsRef<str>) {
        let (graph, node, copy) = (Name::new(graph), Name::new(node), Name::new(copy));
        self.edits.push(Edit::Specialize { graph, node, copy });
    }

    /// Applies the edits and verifies the result.
    ///
    /// # Errors
    /// If an edit names something that is not there, or the result does not verify: then with every fault.
    pub fn apply(&self, module: &Module) -> Result<Module, PatchError> {
        let out = self.rewrite(module)?;
        match verify(&out) {
            Ok(_) => Ok(out),
            Err(source) => Err(PatchError::Faults { patch: self.name.clone(), source }),
        }
    }

    /// Applies the edits and checks the graphs' structure, but no types: for a caller that verifies later.
    ///
    /// # Errors
    /// If an edit names something that is not there, or the nodes make no graph.
    pub fn rewrite(&self, module: &Module) -> Result<Module, PatchError> {
        let mut out = module.clone();
        let mut open: Vec<Draft> = Vec::new();
        for edit in &self.edits {
            match edit {
                Edit::Define(graph) => {
                    open.retain(|d| d.graph != graph.name);
                    out.set_graph(graph.clone());
                }
                Edit::Declare(d) => {
                    out.declare(d.clone()).map_err(|source| PatchError::Label { patch: self.name.clone(), source })?;
                }
                Edit::Constrain(x) => out.constraints.push(x.clone()),
                Edit::Specialize { graph, node, copy } => self.copy_callee(&mut out, &mut open, graph, node, copy)?,
                Edit::Add { graph, node, body, operands, declared, weights } => {
                    self.draft(&out, &mut open, graph)?.nodes.push(DraftNode {
                        name: node.clone(),
                        body: body.clone(),
                        operands: operands.clone(),
                        declared: declared.clone(),
                        weights: weights.clone(),
                        added: true,
                    });
                }
                Edit::Replace { graph, node, body } => {
                    let place = self.place(&out, &mut open, graph, node)?;
                    place.body = body.clone();
                    place.declared = None;
                    place.weights = None;
                }
                Edit::Rewire { graph, node, operands } => {
                    let place = self.place(&out, &mut open, graph, node)?;
                    place.operands = operands.clone();
                    place.declared = None;
                }
                Edit::Tie { graph, node, weights } => {
                    self.place(&out, &mut open, graph, node)?.weights = Some(weights.clone());
                }
                Edit::Sweep { graph } => {
                    self.draft(&out, &mut open, graph)?;
                }
                Edit::Remove { graph } => {
                    open.retain(|d| d.graph != *graph);
                    let before = out.graphs.len();
                    out.graphs.retain(|g| g.name != *graph);
                    if out.graphs.len() == before {
                        return Err(self.no_graph(&out, graph));
                    }
                }
                Edit::Shunt { graph, from, to } => {
                    let draft = self.draft(&out, &mut open, graph)?;
                    if draft.nodes.iter().all(|n| n.name != from.node) {
                        return Err(self.no_node(&out, graph, &from.node));
                    }
                    for n in draft.nodes.iter_mut().filter(|n| !n.added) {
                        n.operands.iter_mut().filter(|v| *v == from).for_each(|v| *v = to.clone());
                    }
                    draft.outputs.iter_mut().filter(|v| *v == from).for_each(|v| *v = to.clone());
                }
            }
        }
        for draft in open {
            let graph = draft.finish().map_err(|source| PatchError::Graph { patch: self.name.clone(), source })?;
            out.set_graph(graph);
        }
        Ok(out)
    }

    fn copy_callee(
        &self,
        out: &mut Module,
        open: &mut Vec<Draft>,
        graph: &Name,
        node: &Name,
        copy: &Name,
    ) -> Result<(), PatchError> {
        let draft = self.draft(out, open, graph)?;
        let Some(place) = draft.nodes.iter_mut().find(|n| n.name == *node) else {
            return Err(self.no_node(out, graph, node));
        };
        let (Body::Call(callee) | Body::Repeat { callee, .. }) = &mut place.body else {
            let what = format!("%{node} in @{graph} is no call");
            return Err(PatchError::Missing { patch: self.name.clone(), what, known: place.body.title() });
        };
        let original = std::mem::replace(&mut callee.graph, copy.clone());
        let Some(original) = out.graph(&original) else { return Err(self.no_graph(out, &original)) };
        let mut twin = Graph::clone(original);
        twin.name = copy.clone();
        out.set_graph(twin);
        Ok(())
    }

    fn place<'a>(
        &self,
        module: &Module,
        open: &'a mut Vec<Draft>,
        graph: &Name,
        node: &Name,
    ) -> Result<&'a mut DraftNode, PatchError> {
        let draft = self.draft(module, open, graph)?;
        let found = draft.nodes.iter_mut().find(|n| n.name == *node);
        found.ok_or_else(|| self.no_node(module, graph, node))
    }

    fn draft<'a>(&self, module: &Module, open: &'a mut Vec<Draft>, graph: &Name) -> Result<&'a mut Draft, PatchError> {
        let at = match open.iter().position(|d| d.graph == *graph) {
            Some(at) => at,
            None => {
                let source = module.graph(graph).ok_or_else(|| self.no_graph(module, graph))?;
                open.push(Draft::new(source));
                open.len() - 1
            }
        };
        Ok(&mut open[at])
    }

    fn no_graph(&self, module: &Module, graph: &Name) -> PatchError {
        let known: Vec<String> = module.graphs.iter().map(|g| format!("@{}", g.name)).collect();
        PatchError::Missing { patch: self.name.clone(), what: format!("no graph @{graph}"), known: known.join(", ") }
    }

    fn no_node(&self, module: &Module, graph: &Name, node: &Name) -> PatchError {
        let nodes = module.graph(graph).map(|g| g.nodes().map(|n| format!("%{}", n.name)).collect::<Vec<_>>());
        PatchError::Missing {
            patch: self.name.clone(),
            what: format!("no node %{node} in @{graph}"),
            known: nodes.unwrap_or_default().join(", "),
        }
    }
}
