//! The verifier. It checks, and collects every violation of, these invariants:
//!
//! 1. Graph names are unique; the entry exists, has no parameters, and its inputs have types.
//! 2. Decision labels are unique; domains, weights, defaults and family sizes make sense.
//! 3. Every call names a graph that exists, with as many arguments as it has parameters; no graph reaches itself, and
//!    calls nest no deeper than 64.
//! 4. Every decision that is used is declared; a family is used with an index, and only a family.
//! 5. A choice's candidates are exactly its decision's values; a select's decision picks among its operands.
//! 6. Constraints are boolean, have a value, and can be fulfilled together.
//! 7. Every instantiation that the entry reaches has types, under every assignment that the constraints allow.
//!    Nodes that nothing uses must have types too, under the defaults and each value of each decision in turn, though no
//!    program contains them.
//! 8. A block that a repeat may call zero times keeps the type of its first operand.
//! 9. Nodes of a graph whose weights have one name are equal: ops whose weights have equal shapes, or calls, choices and
//!    repeats that make the same of equal types.
//! 10. No network has more nodes, with its calls written out, than the elaborator's bound.
//!
//! Assignments (invariants 7 to 10) are too many to try them all. These are tried, and [`Coverage`] says which were:
//!
//! * the defaults, and each value of each decision in turn (at most [`MAX_VALUES`] per decision, spread over its domain);
//! * if they are few, all assignments;
//! * else all joint values of the decisions that meet in a node (in its attributes, in the types of its operands, in what
//!   must be chosen for it to be there at all) as a [`CostModel`](crate::cost::CostModel) tabulates them, and random
//!   assignments beyond that.
//!
//! Work is bounded by counting: nodes that are looked at, entries of tables, assignments that constraints refuse. Nothing
//! is drawn but from a stream of a fixed seed, so that a module has the same faults every time.
//!
//! What a graph is in itself (unique node names, gapless operands, no cycle) is kept by construction; see [`crate::graph`].

mod assign;
mod coverage;
mod explore;
mod rules;
mod structure;

pub(crate) use explore::alternatives;
pub(crate) use structure::{each_expr, structural};

pub use coverage::{Constraints, Coverage, Reach};

use crate::fault::{Faults, What};
use crate::module::Module;
use crate::program::{Elaboration, Program};
use crate::value::Value;
use assign::Slots;
use explore::Search;
use rules::Rules;

/// Values of one decision that are tried in turn.
pub const MAX_VALUES: u64 = 64;

/// A module that is sound, as far as it was checked.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The program under the defaults.
    pub program: Program,
    /// What was checked.
    pub coverage: Coverage,
}

/// Checks a module; returns its program under the defaults.
///
/// # Errors
/// Every violated invariant.
pub fn verify(module: &Module) -> Result<Program, Faults> {
    examine(module).map(|examined| examined.program)
}

/// Checks a module as [`verify`] does, and says what was checked.
///
/// ```
/// let module: ir::Module = "module @m {
///   entry @main
///   decision ?kind in [plain, grouped]
///   decision ?g in [1, 2, 3]
///   graph @main(%x: f32[N, 4, 8, 8]) {
///     %y = choice ?kind (%x) {plain: relu, grouped: conv2d {out=4, k=1, groups=?g}}
///     return %y
///   }
/// }".parse()?;
/// let faults = ir::verify::examine(&module).expect_err("4 channels are no 3 groups");
/// assert!(faults.to_string().ends_with("(under ?kind = grouped, ?g = 3)"), "{faults}");
/// # Ok::<(), ir::ParseError>(())
/// ```
///
/// # Errors
/// Every violated invariant.
pub fn examine(module: &Module) -> Result<Examined, Faults> {
    let mut faults = structural(module);
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let slots = Slots::of(module);
    let defaults = slots.defaults();
    let rules = Rules::of(module, &slots);
    let mut base = defaults.clone();
    let constraints = match rules.start(&mut base) {
        Ok(constraints) => constraints,
        Err(more) => {
            faults.extend(more);
            base.clone_from(&defaults);
            Constraints::None
        }
    };
    let decide = slots.under(&defaults);
    let plain = Elaboration::new(module, &decide);
    let program = match plain.everything().run_all() {
        // Once more without what no output needs.
        Ok((_, true)) => plain.run(),
        other => other.map(|(program, _)| program),
    };
    if let Err(Faults(more)) = &program {
        faults.extend(more.iter().cloned());
    }
    let mut search = Search::new(module, &slots, &rules, base, faults);
    let values = search.each_value();
    let reach = search.together();
    match program {
        Ok(program) if search.faults.is_empty() => {
            Ok(Examined { program, coverage: Coverage { values, reach, constraints } })
        }
        _ => Err(Faults(search.faults)),
    }
}

/// The default of a declared decision.
#[must_use]
pub fn default_of(module: &Module, label: &str, index: Option<i64>) -> Option<Value> {
    let d = module.decision(label)?;
    d.domain.value(d.default).filter(|_| d.has(index))
}

/// A fault of the module as a whole.
fn declared(text: String) -> crate::fault::Fault {
    What::Declaration(text).into_fault()
}
