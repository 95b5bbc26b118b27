//! The weights of all networks of a module at once: by path, their shapes as functions of decisions.
//!
//! * Every weight of every sample's network is listed, also one whose node is there only under some decisions: a block
//!   that `repeat if(from == to, 0, 1)` adds is walked at the greatest depth that there is, with its own arguments.
//! * A candidate's name is in the path, as in the network whose choices are open.

use super::build::{Made, Note};
use super::table::{MAX_WORK, Table, Vars, wild};
use super::{Convention, ModelError, walked};
use crate::module::Module;
use crate::op::{Init, WeightSpec};
use crate::value::Name;
use smallvec::SmallVec;

/// A shape.
type Shape = SmallVec<[u32; 4]>;

/// A weight, in all the shapes that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightShapes {
    /// Path of its node and its name there, joined by dots: `stage1.cell0.conv.weight`.
    pub path: Name,
    /// What holds it in each of its shapes: along each axis the greatest extent, starting as the widest layer does.
    pub spec: WeightSpec,
    /// The decisions that its shape depends on, by place in [`Envelope::decisions`], ascending.
    pub scope: SmallVec<[usize; 4]>,
    /// Its shape per joint value of them, the last decision fastest; `None` where no network has it.
    pub shapes: Vec<Option<Shape>>,
}

/// What the weights of a module's networks fit into, and what their shapes depend on. As [`CostModel`](super::CostModel),
/// it tabulates only decisions that meet in a node.
///
/// ```
/// use ir::cost::Envelope;
/// let module: ir::Module = "module @m {
///   entry @main
///   decision ?w in [4, 8]
///   decision ?k in [3, 5]
///   graph @main(%x: f32[N, 3, 8, 8]) {
///     %y = conv2d %x {out=?w, k=?k, pad=?k // 2, bias=false}
///     return %y
///   }
/// }".parse()?;
/// let envelope = Envelope::of(&module)?;
/// assert_eq!(envelope.decisions, ["w", "k"]);
/// assert_eq!(envelope.weights[0].path, "y.weight");
/// assert_eq!(envelope.weights[0].spec.shape[..], [8, 3, 5, 5]);
/// assert_eq!(envelope.weights[0].shapes[1].as_deref(), Some(&[4, 3, 5, 5][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The decisions that shapes or ops depend on, as samples print them.
    pub decisions: Vec<Name>,
    /// The weights in the order of the network.
    pub weights: Vec<WeightShapes>,
    /// The decisions that some op's attributes or types depend on together, by place.
    pub meetings: Vec<SmallVec<[usize; 4]>>,
    /// The decisions that depths of repeats depend on, by place.
    pub depths: Vec<usize>,
}

impl Envelope {
    /// The envelope of a module.
    ///
    /// # Errors
    /// As [`CostModel::of`](super::CostModel::of); also if an attribute depends on a real interval.
    pub fn of(module: &Module) -> Result<Self, ModelError> {
        let (builder, part) = walked(module, Convention::default(), true, MAX_WORK)?;
        let vars = builder.explorer.vars.borrow();
        let mut found = Self {
            decisions: vars.keys().iter().map(|(l, i)| Name::new(crate::eval::member_name(l, *i))).collect(),
            weights: Vec::new(),
            meetings: Vec::new(),
            depths: Vec::new(),
        };
        let places = |scope: &[u32]| -> SmallVec<[usize; 4]> { scope.iter().map(|v| *v as usize).collect() };
        for note in &part.notes {
            match note {
                Note::Depth(scope) => found.depths.extend(places(scope)),
                Note::Op(path, made) => {
                    found.meetings.push(places(&made.scope));
                    // Nodes that share weights have them alike: once is enough.
                    let new = |w: &WeightShapes| !found.weights.iter().any(|k| k.path == w.path);
                    let new: Vec<_> = weights(path, made, &vars).into_iter().filter(new).collect();
                    found.weights.extend(new);
                }
            }
        }
        found.meetings.sort();
        found.meetings.dedup();
        found.depths.sort_unstable();
        found.depths.dedup();
        Ok(found)
    }

    /// Whether the shape of a weight, by place, depends on a decision.
    #[must_use]
    pub fn shapes(&self, decision: &str, weight: usize) -> bool {
        self.weights[weight].scope.iter().any(|d| self.decisions[*d] == decision)
    }
}

/// The weights of an op.
fn weights(path: &str, made: &Made, vars: &Vars) -> Vec<WeightShapes> {
    let specs = || made.values.iter().flatten().flat_map(|(_, _, weights)| weights);
    let mut greatest: Vec<WeightSpec> = Vec::new();
    for spec in specs() {
        match greatest.iter_mut().find(|g| g.name == spec.name) {
            Some(known) => widen(known, spec),
            None => greatest.push(spec.clone()),
        }
    }
    let one = |spec: WeightSpec| {
        let shape = |w: &WeightSpec| w.shape.clone();
        let of = |made: &Option<(_, _, crate::op::Weights)>| {
            made.as_ref()?.2.iter().find(|w| w.name == spec.name).map(shape)
        };
        let Table { scope, values } = made.map(vars, of, wild);
        let scope = scope.iter().map(|v| *v as usize).collect();
        WeightShapes {
            path: Name::new(format!("{}.{}", path.replace('/', "."), spec.name)),
            spec,
            scope,
            shapes: values,
        }
    };
    greatest.into_iter().map(one).collect()
}

fn widen(known: &mut WeightSpec, other: &WeightSpec) {
    known.shape.iter_mut().zip(&other.shape).for_each(|(a, b)| *a = (*a).max(*b));
    if let (Init::FanInUniform { fan_in }, Init::FanInUniform { fan_in: more }) = (&mut known.init, other.init) {
        *fan_in = (*fan_in).max(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(text: &str) -> Envelope {
        Envelope::of(&text.parse().expect("a module")).expect("an envelope")
    }

    /// The greatest values alone have no skip: it is there where two widths differ.
    #[test]
    fn what_is_there_only_sometimes_is_listed() {
        let found = envelope(
            "module @m {
              entry @main
              decision ?a in [2, 4]
              decision ?b in [3, 6]
              graph @skip<c>(%x) {
                %y = conv2d %x {out=c, k=1}
                return %y
              }
              graph @main(%x: f32[N, 1, 4, 4]) {
                %v = conv2d %x {out=?a * 3, k=1}
                %s = repeat if(?a * 3 == ?b, 0, 1) @skip<?b>(%v)
                return %s
              }
            }",
        );
        let shapes: Vec<(&str, &[u32])> = found.weights.iter().map(|w| (w.path.as_str(), &w.spec.shape[..])).collect();
        let skip = [("s.0.y.weight", &[6, 12, 1, 1][..]), ("s.0.y.bias", &[6][..])];
        assert_eq!(shapes, [&[("v.weight", &[12, 1, 1, 1][..]), ("v.bias", &[12][..])][..], &skip].concat());
        assert_eq!((found.decisions.len(), found.depths.len()), (2, 2));
        assert_eq!(found.weights[2].shapes.len(), 4);
        assert_eq!(found.weights[2].spec.init, Init::FanInUniform { fan_in: 12 });
    }

    /// Fewer groups make a greater kernel, so that no one setting has all the greatest extents.
    #[test]
    fn extents_are_greatest_axis_by_axis() {
        let found = envelope(
            "module @m {
              entry @main
              decision ?g in [1, 2, 4]
              decision ?k in [1, 3]
              decision ?op in [a, b]
              graph @main(%x: f32[N, 4, 4, 4]) {
                %y = choice ?op (%x) {a: conv2d {out=4, k=?k, pad=?k // 2, groups=?g, bias=false}, b: identity}
                %z = avg_pool %y {k=?k, stride=1, pad=?k // 2}
                return %z
              }
            }",
        );
        assert_eq!(found.weights.len(), 1);
        assert_eq!(found.weights[0].path, "y.a.weight");
        assert_eq!(found.weights[0].spec.shape[..], [4, 4, 3, 3]);
        let scope: Vec<&str> = found.weights[0].scope.iter().map(|d| found.decisions[*d].as_str()).collect();
        assert_eq!(scope, ["k", "g"]);
        // The pool has no weights and keeps its type; what it computes depends on its window.
        assert_eq!(found.meetings.len(), 3, "{:?}", found.meetings);
    }
}
