//! Drawing modules: the entry graph and each graph that it reaches, a panel each.
//!
//! * A graph whose nodes are sums and concatenations of operations on single tensors is drawn as the field draws cells:
//!   circles for tensors, labelled edges for operations. Any other graph is drawn as boxes.
//! * A choice that is made shows under the label of what was chosen; one that is open shows its candidates.
//! * Types stand on edges where every call of the graph has the same, and only where they change.

mod cell;
mod operators;
mod view;
mod words;

use super::Drawing;
use crate::cost::Convention;
use crate::module::Module;
use crate::program::{Decide, Elaboration};
use crate::value::Value;
use crate::verify::default_of;
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
        let or_default =
            |label: &str, index: Option<i64>| decide.value(label, index).or_else(|| default_of(module, label, index));
        let program = Elaboration::new(module, &or_default).run().ok();
        let mut open = 0;
        for d in &module.decisions {
            let members = (0..d.family.unwrap_or(1)).map(|i| d.family.map(|_| i64::from(i)));
            open += members.filter(|i| decide.value(&d.label, *i).is_none()).count();
        }
        let mut drawing = Self::new(module.name.as_str());
        let cost = program.as_ref().map(|p| p.cost(Convention::Nasbench));
        drawing.subtitle = match (open, cost) {
            (0, Some(c)) => {
                Some(format!("{} parameters, {} MACs (nasbench)", words::count(c.params), words::count(c.macs)))
            }
            (0, None) => None,
            (1, _) => Some("1 decision is open".to_owned()),
            (n, _) => Some(format!("{n} decisions are open")),
        };
        let reached = view::reached(module, decide);
        let mut graphs: Vec<_> = module.graphs.iter().filter(|g| reached.contains(g.name())).collect();
        // The entry comes first, the others as they are declared.
        graphs.sort_by_key(|g| *g.name() != module.entry);
        for graph in graphs {
            let view = View::of(module, graph, decide, program.as_ref());
            drawing.sketches.push(cell::sketch(&view).unwrap_or_else(|| operators::sketch(&view)));
        }
        // The network, its cells, then the blocks that they are made of.
        if let Some(rest) = drawing.sketches.get_mut(1..) {
            rest.sort_by_key(|s| !s.is_cell());
        }
        drawing
    }

    /// The picture of a single graph of a module, a cell, under some decisions; `None` if there is no such graph.
    #[must_use]
    pub fn cell(module: &Module, graph: &str, decide: &dyn Decide) -> Option<Self> {
        let graph = module.graph(graph)?;
        let view = View::of(module, graph, decide, None);
        let sketch = cell::sketch(&view).unwrap_or_else(|| operators::sketch(&view));
        Some(Self::new(graph.name().as_str()).with_sketch(sketch))
    }
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
