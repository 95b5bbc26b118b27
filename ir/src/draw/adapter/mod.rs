//! Drawing modules: the entry graph and each graph that it reaches, a panel each.
//!
//! * A graph whose nodes are sums and concatenations of operations on single tensors is drawn as the field draws cells:
//!   circles for tensors, labelled edges for operations. Any other graph is drawn as boxes.
//! * A choice that is made shows under the label of what was chosen; one that is open shows its candidates.
//! * A number that is decided is drawn as that number. What is open is an expression of the decisions that it waits for,
//!   in a dashed box, and the note of the panel says what these may be. Dimensions follow the same rule.
//! * Types stand on edges where every call of the graph has the same, and only where they change.
//! * Nodes that recur step by step are drawn once, with their number.

mod cell;
mod operators;
mod scope;
mod shapes;
mod steps;
mod view;
mod words;

use super::{Drawing, Sketch};
use crate::cost::Convention;
use crate::module::Module;
use crate::program::Decide;
use crate::value::Value;
use scope::{Decisions, Place};
use shapes::Shapes;
use view::View;

impl Drawing {
    /// The drawing of a module: decisions stay open.
    ///
    /// ```
    /// use ir::draw::Drawing;
    /// let module: ir::Module = "module @small {
    ///   entry @main
    ///   graph @main(%image: f32[N, 3, 32, 32]) {
    ///     %conv = conv2d %image {out=16, k=3, pad=1}
    ///     %act = relu %conv
    ///     return %act
    ///   }
    /// }".parse()?;
    /// let drawing = Drawing::of(&module);
    /// assert_eq!(drawing.sketches[0].nodes.len(), 4);
    /// assert!(drawing.to_svg().contains("conv2d"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(module: &Module) -> Self {
        Self::decided(module, &|_: &str, _: Option<i64>| None::<Value>)
    }

    /// The drawing of a module under some decisions: a choice that is made is drawn as its candidate, under the label
    /// of the choice; what no output needs is left out.
    #[must_use]
    pub fn decided(module: &Module, decide: &dyn Decide) -> Self {
        let shapes = Shapes::new(module, decide);
        let mut open = 0;
        for d in &module.decisions {
            let members = (0..d.family.unwrap_or(1)).map(|i| d.family.map(|_| i64::from(i)));
            open += members.filter(|i| decide.value(&d.label, *i).is_none()).count();
        }
        let mut drawing = Self::new(module.name.as_str());
        let cost = shapes.program().map(|p| p.cost(Convention::Nasbench));
        drawing.subtitle = match (open, cost) {
            (0, Some(c)) => {
                Some(format!("{} parameters, {} MACs (nasbench)", words::count(c.params), words::count(c.macs)))
            }
            (0, None) => None,
            (1, _) => Some("1 decision is open".to_owned()),
            (n, _) => Some(format!("{n} decisions are open")),
        };
        let made = Decisions::new(module, decide);
        for place in view::reached(&made, Place { graph: module.entry.clone(), args: None }) {
            let Some(view) = View::of(&made, &place, &shapes) else { continue };
            drawing.sketches.extend(sketches(&view));
        }
        // The network with the steps of it, its cells, then the blocks that they are made of.
        drawing.sketches.sort_by_key(|s| (s.graph != module.entry.as_str(), !s.is_cell()));
        drawing
    }
}

/// The picture of a graph, and those of the steps that recur in it.
fn sketches(view: &View<'_>) -> Vec<Sketch> {
    // A select that keeps one operand is that operand, unless it is what makes the graph a cell.
    let shorter = view.without_single();
    if let Some(cell) = cell::sketch(&shorter).or_else(|| cell::sketch(view)) {
        return vec![cell];
    }
    let (whole, steps) = steps::fold(shorter);
    std::iter::once(&whole).chain(&steps).map(|v| operators::sketch(v)).collect()
}

impl Module {
    /// A self-contained SVG drawing; see [`Drawing::of`].
    #[must_use]
    pub fn to_svg(&self) -> String {
        Drawing::of(self).to_svg()
    }

    /// Graphviz DOT text; see [`Drawing::of`].
    #[must_use]
    pub fn to_dot(&self) -> String {
        Drawing::of(self).to_dot()
    }
}
