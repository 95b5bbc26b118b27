//! Drawings of graphs: a layered layout, written as SVG or as Graphviz DOT.
//!
//! What is drawn is a [`Drawing`]: a title and one [`Sketch`] per panel, the entry graph and then each cell once.
//! [`Drawing::of`] makes one of a module; the layout and the writers know nothing of the IR. Two pictures are in use in the field, and a
//! sketch is one of them:
//!
//! - *operator graphs*, where a node is an operation in a box and an edge carries a tensor (its
//!   label, if any, is a tensor type such as `[N, 16, 32, 32]`);
//! - *cell pictures*, as in the DARTS and NAS-Bench-201 papers, where a node is a tensor in a
//!   circle ([`NodeKind::Tensor`]) and an edge carries an operation, named on the edge.
//!
//! Invariants:
//!
//! - Drawing never fails, because a picture helps most when a graph is broken: an edge whose end
//!   is not a node, or that runs from a node to itself, is left out; an edge that closes a cycle
//!   is drawn against the flow.
//! - The output is a function of the input alone, byte for byte, on every platform.
//! - No two nodes or labels of a panel overlap, and no edge runs through a node or through
//!   another edge's label.
//!
//! ```
//! use ir::draw::{Direction, Drawing, NodeKind, Sketch, SketchEdge, SketchNode};
//!
//! let mut cell = Sketch::new("cell", Direction::LeftRight);
//! let input = cell.node(SketchNode::new("in", "c_{k-1}", NodeKind::Input));
//! let output = cell.node(SketchNode::new("n0", "0", NodeKind::Tensor));
//! cell.edge(SketchEdge::new(input, output).with_op("sep_conv_3x3", NodeKind::Conv));
//! let drawing = Drawing::new("A small cell").with_sketch(cell);
//! assert!(drawing.to_svg().starts_with("<svg"));
//! assert!(drawing.to_dot().starts_with("digraph"));
//! ```

mod adapter;
mod dot;
mod kind;
pub mod layout;
mod measure;
mod page;
mod palette;
mod panel;
mod svg;
mod text;

pub use kind::NodeKind;

/// The way a sketch's edges flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From top to bottom: the choice for operator graphs, whose boxes are wide.
    #[default]
    TopDown,
    /// From left to right: the choice for cell pictures, whose labels are wide.
    LeftRight,
}

/// A node of a [`Sketch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchNode {
    /// What the graph calls the node, for example `%3`; shown as a tooltip, not in the box.
    pub id: String,
    /// The line in bold: the operation's name, or the tensor's. `_{..}` and `^{..}` set a
    /// subscript and a superscript, as in `c_{k-1}`.
    pub title: String,
    /// Lines in small print: attributes, types, for a call the name of the cell.
    pub detail: Vec<String>,
    /// The family, which gives the shape and the colour.
    pub kind: NodeKind,
    /// Whether something about it is not decided yet: its outline is dashed, as that of a choice.
    pub open: bool,
}

impl SketchNode {
    /// A node without detail lines.
    pub fn new(id: impl Into<String>, title: impl Into<String>, kind: NodeKind) -> Self {
        Self { id: id.into(), title: title.into(), detail: Vec::new(), kind, open: kind == NodeKind::Choice }
    }

    /// The node with one more line in small print.
    #[must_use]
    pub fn with_detail(mut self, line: impl Into<String>) -> Self {
        self.detail.push(line.into());
        self
    }
}

/// An edge of a [`Sketch`], between indices into its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchEdge {
    /// The index of the node it leaves.
    pub from: usize,
    /// The index of the node it enters.
    pub to: usize,
    /// The text on the edge, if any; a line break starts a new line.
    pub label: Option<String>,
    /// `Some` where the edge stands for an operation: its label is then a pill in the family's
    /// colour. `None` where it stands for a tensor.
    pub kind: Option<NodeKind>,
    /// Whether the line is dashed: an operation that passes nothing on, or a choice still open.
    pub dashed: bool,
}

impl SketchEdge {
    /// A plain edge without a label.
    #[must_use]
    pub fn new(from: usize, to: usize) -> Self {
        Self { from, to, label: None, kind: None, dashed: false }
    }

    /// The edge with a text, for example the type of the tensor that it carries.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The edge as an operation: `label` in a pill of the colour of `kind`.
    #[must_use]
    pub fn with_op(mut self, label: impl Into<String>, kind: NodeKind) -> Self {
        self.label = Some(label.into());
        self.kind = Some(kind);
        self
    }

    /// The edge with a dashed line.
    #[must_use]
    pub fn dashed(mut self) -> Self {
        self.dashed = true;
        self
    }
}

/// One panel of a [`Drawing`]: a graph, or a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The graph that it shows, or shows a part of, by name; several panels may show one graph.
    pub graph: String,
    /// The panel's heading.
    pub name: String,
    /// Lines in small print below the heading.
    pub note: Vec<String>,
    /// The way its edges flow.
    pub direction: Direction,
    /// Its nodes; an edge refers to them by index.
    pub nodes: Vec<SketchNode>,
    /// Its edges. Several may join the same two nodes.
    pub edges: Vec<SketchEdge>,
}

impl Sketch {
    /// A sketch without nodes.
    pub fn new(name: impl Into<String>, direction: Direction) -> Self {
        let name = name.into();
        Self { graph: name.clone(), name, note: Vec::new(), direction, nodes: Vec::new(), edges: Vec::new() }
    }

    /// Adds a node and returns its index.
    pub fn node(&mut self, node: SketchNode) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Adds an edge and returns its index.
    pub fn edge(&mut self, edge: SketchEdge) -> usize {
        self.edges.push(edge);
        self.edges.len() - 1
    }

    /// Whether this is a cell picture: some node is a tensor, so inputs and outputs are drawn
    /// as tensors too.
    #[must_use]
    pub fn is_cell(&self) -> bool {
        self.nodes.iter().any(|node| node.kind == NodeKind::Tensor)
    }

    /// Whether the edge at `index` is drawn: both its ends are nodes, and they differ.
    #[must_use]
    pub fn draws_edge(&self, index: usize) -> bool {
        self.edges
            .get(index)
            .is_some_and(|edge| edge.from < self.nodes.len() && edge.to < self.nodes.len() && edge.from != edge.to)
    }
}

/// A picture of a module: a title over its panels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// The heading, and the name that a screen reader speaks.
    pub title: String,
    /// A line under the heading, for example the accuracy or the number of parameters.
    pub subtitle: Option<String>,
    /// The panels, in reading order: the entry graph first.
    pub sketches: Vec<Sketch>,
}

impl Drawing {
    /// A drawing without panels.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: None, sketches: Vec::new() }
    }

    /// The drawing with a line under its heading.
    #[must_use]
    pub fn with_subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = Some(subtitle.into());
        self
    }

    /// The drawing with one more panel.
    #[must_use]
    pub fn with_sketch(mut self, sketch: Sketch) -> Self {
        self.sketches.push(sketch);
        self
    }

    /// The names of the graphs that have a panel, in the order of the panels.
    #[must_use]
    pub fn graphs(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for sketch in &self.sketches {
            if !names.contains(&sketch.graph.as_str()) {
                names.push(&sketch.graph);
            }
        }
        names
    }

    /// The drawing with the panels of one graph alone; `None` if there is none.
    #[must_use]
    pub fn only(mut self, graph: &str) -> Option<Self> {
        self.sketches.retain(|sketch| sketch.graph == graph);
        (!self.sketches.is_empty()).then_some(self)
    }

    /// A self-contained SVG: no scripts, no fonts or images from elsewhere, legible on light
    /// and on dark paper.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::render(self)
    }

    /// Graphviz DOT text, with a cluster per panel.
    #[must_use]
    pub fn to_dot(&self) -> String {
        dot::render(self)
    }
}
