//! Partial channels: a layer choice sees one channel of `k`, and the others go past it.
//!
//! It is a rewrite of the space's module: `%y = choice ?op [..](%x)` becomes
//!
//! ```text
//! %part = slice %x {axis=1, end=c // k}        %rest = slice %x {axis=1, start=c // k}
//! %mixed = choice ?op [.. c // k ..](%part)    %past = max_pool %rest {k=s, stride=s}
//! %whole = concat %mixed, %past                %y = channel_shuffle %whole {groups=k}
//! ```
//!
//! where `c` is the parameter of the graph that holds the channels; without a stride nothing is pooled. Decisions stay as
//! they are. Xu et al. 2020, "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search".

use super::OneShotError;
use ir::expr::BinOp;
use ir::graph::Node;
use ir::program::Step;
use ir::{Body, Callee, Candidate, Elaboration, Expr, Graph, Module, Name, OpTemplate, Patch, PatchError, Program};
use rustc_hash::FxHashSet;

/// What helps where candidates do not fit.
const REMEDY: &str = "let them take their channels as a parameter of the choice's graph, as in `darts:network=search`, or \
                      take partial=1";

/// Rewrites every layer choice, but those inside of candidates, which see a share already.
pub(super) fn rewrite(strategy: &str, module: &Module, share: u32) -> Result<Module, OneShotError> {
    if share == 1 {
        return Ok(module.clone());
    }
    let program = elaborate(module)?;
    let inner = inside_candidates(module);
    let mut patch = Patch::new("partial-channels");
    let outer = module.graphs.iter().filter(|g| !inner.contains(g.name()));
    for (graph, node) in outer.flat_map(|g| g.nodes().map(move |n| (g, n))) {
        let Body::Choice { decision, .. } = &node.body else { continue };
        let refuse = |what: String, remedy| OneShotError::Decision {
            strategy: strategy.to_owned(),
            label: decision.label.to_string(),
            what,
            remedy,
        };
        let place = Place::of(&program, graph, node, share);
        let remedy = "give the space channels that fit, or take another partial; at partial=1 all are seen";
        let Some(place) = place.map_err(|what| refuse(what, remedy))? else { continue };
        // Alone, so that what does not fit is known to come from this choice.
        let alone = |patch: &mut Patch| place.write(patch, graph, node, share);
        let mut one = Patch::new("partial-channels");
        let fits = alone(&mut one)
            .ok()
            .and_then(|()| elaborate(&one.rewrite(module).ok()?).ok())
            .is_some_and(|p| mixes_a_share(&p, graph, node, share));
        if !fits {
            return Err(refuse(
                "has candidates of a fixed number of channels, so that it cannot see a share".to_owned(),
                REMEDY,
            ));
        }
        alone(&mut patch).map_err(|e| refuse(format!("cannot be rewritten ({e})"), REMEDY))?;
    }
    let rewritten = patch.apply(module);
    rewritten.map_err(|e: PatchError| mutators::MutateError::from(e).into())
}

fn elaborate(module: &Module) -> Result<Program, OneShotError> {
    let program = Elaboration::supernet(module, &|_: &str, _: Option<i64>| None).run();
    Ok(program.map_err(mutators::MutateError::from)?)
}

/// The graphs that a candidate reaches.
fn inside_candidates(module: &Module) -> FxHashSet<Name> {
    let mut open: Vec<Name> = Vec::new();
    for node in module.graphs.iter().flat_map(|g| g.nodes()).filter(|n| matches!(n.body, Body::Choice { .. })) {
        open.extend(node.body.callees().iter().map(|c| c.graph.clone()));
    }
    let mut inside = FxHashSet::default();
    while let Some(name) = open.pop() {
        if let Some(graph) = module.graph(&name).filter(|_| inside.insert(name.clone())) {
            open.extend(graph.nodes().flat_map(|n| n.body.callees().into_iter().map(|c| c.graph.clone())));
        }
    }
    inside
}

/// A choice's images.
struct Place {
    /// The parameter that holds the channels, or their number where no parameter does.
    channels: Expr,
    /// By how much rows and columns shrink.
    stride: u64,
}

impl Place {
    /// None for a choice that no network reaches.
    fn of(program: &Program, graph: &Graph, node: &Node, share: u32) -> Result<Option<Self>, String> {
        let mut channels: Vec<u64> = Vec::new();
        let mut strides: Vec<u64> = Vec::new();
        let mut args = Vec::new();
        for (instance, step) in occurrences(program, graph, &node.name) {
            let ([x], [y]) = (&instance.types_of(&step.operands)[..], instance.results(step)) else {
                return Err("has several operands or results".to_owned());
            };
            if x.rank() != 4 || y.rank() != 4 {
                return Err(format!("is about {x}, which is no image [N, C, H, W]"));
            }
            let size = |t: &ir::TensorType| -> [u64; 3] { [1, 2, 3].map(|axis| t.shape[axis].per_example()) };
            let ([c, h, w], [c_out, h_out, w_out]) = (size(x), size(y));
            if c != c_out {
                return Err(format!("turns {c} channels into {c_out}, so that none can go past it"));
            }
            if !c.is_multiple_of(share.into()) {
                return Err(format!("has {c} channels, which partial={share} does not divide"));
            }
            let stride = h.div_ceil(h_out.max(1));
            if w.div_ceil(w_out.max(1)) != stride {
                return Err(format!("shrinks {x} to {y}, unevenly"));
            }
            channels.push(c);
            strides.push(stride);
            args.push(instance.args.clone());
        }
        let (Some(c), Some(stride)) = (channels.first().copied(), strides.first().copied()) else { return Ok(None) };
        if strides.iter().any(|s| *s != stride) {
            return Err("has a stride that differs from call to call".to_owned());
        }
        let holds = |p: &usize| args.iter().zip(&channels).all(|(a, c)| u64::try_from(a[*p]) == Ok(*c));
        let channels = match (0..graph.params().len()).find(holds) {
            Some(p) => Expr::Ident(graph.params()[p].clone()),
            None if channels.iter().all(|other| *other == c) => Expr::int(c as i64),
            None => return Err("has a number of channels that no parameter of its graph holds".to_owned()),
        };
        Ok(Some(Self { channels, stride }))
    }

    /// Adds the edits to a patch.
    fn write(&self, patch: &mut Patch, graph: &Graph, node: &Node, share: u32) -> Result<(), String> {
        let Body::Choice { decision, candidates } = &node.body else { return Ok(()) };
        let part = |x: &Expr| Expr::Binary(BinOp::FloorDiv, Box::new(x.clone()), Box::new(Expr::int(share.into())));
        let swap = |x: &Expr| (*x == self.channels && matches!(x, Expr::Ident(_))).then(|| part(x));
        let narrowed = |c: &Candidate| -> Result<Candidate, String> {
            Ok(match c {
                Candidate::Call(callee) => {
                    let args = callee.args.iter().map(|x| x.rewrite(&swap));
                    Candidate::Call(Callee::new(&callee.graph, args))
                }
                Candidate::Op(op) => Candidate::Op(op.rewrite(graph.params(), &swap).map_err(|e| e.to_string())?),
            })
        };
        let candidates =
            candidates.iter().map(|(n, c)| Ok((n.clone(), narrowed(c)?))).collect::<Result<_, String>>()?;
        let name = |what: &str| format!("{}/{what}", node.name);
        let op = |text: String| -> Result<Body, String> {
            OpTemplate::parse(&text, graph.params()).map(Body::Op).map_err(|e| e.to_string())
        };
        let end = part(&self.channels);
        let x = graph.operands(&node.name).swap_remove(0);
        let seen = patch.add_body(graph.name(), name("part"), op(format!("slice {{axis=1, end={end}}}"))?, [&x]);
        let choice = Body::Choice { decision: decision.clone(), candidates };
        let mixed = patch.add_body(graph.name(), name(MIXED), choice, [&seen]);
        let mut past = patch.add_body(graph.name(), name("rest"), op(format!("slice {{axis=1, start={end}}}"))?, [&x]);
        if self.stride > 1 {
            let pool = format!("max_pool {{k={0}, stride={0}, ceil=true}}", self.stride);
            past = patch.add_body(graph.name(), name("past"), op(pool)?, [&past]);
        }
        let whole = patch.add_body(graph.name(), name("whole"), op("concat".to_owned())?, [&mixed, &past]);
        let shuffle = op(format!("channel_shuffle {{groups={share}}}"))?;
        let shuffled = patch.add_body(graph.name(), name("shuffled"), shuffle, [&whole]);
        patch.shunt(graph.name(), patch.tap(&node.name), &shuffled);
        Ok(())
    }
}

/// What the choice is called beside its node.
const MIXED: &str = "mixed";

/// Where a graph's node stands in a program.
fn occurrences<'a>(
    program: &'a Program,
    graph: &'a Graph,
    node: &'a str,
) -> impl Iterator<Item = (&'a ir::program::Instance, &'a Step)> {
    let instances = program.instances.iter().filter(|i| i.graph.name() == graph.name());
    instances.flat_map(move |i| i.steps.iter().filter(move |s| i.name(s) == node).map(move |s| (i, s)))
}

/// Whether a rewritten choice gives as many channels as it sees.
fn mixes_a_share(program: &Program, graph: &Graph, node: &Node, share: u32) -> bool {
    let mixed = format!("{}/{MIXED}", node.name);
    let even = |(instance, step): (&ir::program::Instance, &Step)| {
        let (x, y) = (instance.types_of(&step.operands), instance.results(step));
        x[0].shape[1] == y[0].shape[1]
    };
    share > 1 && occurrences(program, graph, &mixed).all(even)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Module {
        mutators::spaces::build(text).unwrap_or_else(|e| panic!("{text}: {e}")).base().clone()
    }

    /// Every edge of a DARTS cell, of either kind, sees a quarter; what leaves it has the size that it had.
    #[test]
    fn edges_of_the_darts_cells() {
        let module = base("darts:network=search,image=1x8x8,channels=8,layers=3");
        let rewritten = rewrite("pc-darts", &module, 4).expect("its candidates take channels");
        assert_eq!(rewritten.decisions, module.decisions);
        let (before, after) = (elaborate(&module).expect("elaborates"), elaborate(&rewritten).expect("elaborates"));
        let mut edges = 0;
        for kind in ["normal", "reduce"] {
            let (old, new) = (module.graph(kind).expect("a cell"), rewritten.graph(kind).expect("a cell"));
            for node in old.nodes().filter(|n| matches!(n.body, Body::Choice { .. })) {
                edges += 1;
                let shuffled = format!("{}/shuffled", node.name);
                let types = |p, g, n: &str| -> Vec<String> {
                    let found = occurrences(p, g, n).map(|(i, s)| i.results(s)[0].to_string());
                    let mut all: Vec<String> = found.collect();
                    all.sort_unstable();
                    all
                };
                assert_eq!(types(&before, old, &node.name), types(&after, new, &shuffled), "{}", node.name);
                let pooled = new.node(&format!("{}/past", node.name)).is_some();
                assert_eq!(pooled, kind == "reduce" && (node.name.starts_with("e0") || node.name.starts_with("e1")));
            }
        }
        assert_eq!(edges, 28);
        assert_eq!(rewrite("pc-darts", &module, 1).expect("nothing to do").to_string(), module.to_string());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refuse = |module: &Module, share| {
            let error = rewrite("pc-darts", module, share).expect_err("refused").to_string();
            assert!(error.starts_with("`pc-darts` cannot treat ?") && error.contains("partial=1"), "{error}");
            error
        };
        let nb201 = base("nasbench201:image=1x8x8,channels=6,cells=1");
        assert!(refuse(&nb201, 4).contains("6 channels, which partial=4 does not divide"));
        let fixed = |candidates: &str| -> Module {
            let text = format!(
                "module @m {{ entry @main decision ?op in [a, b]
                 graph @main(%x: f32[N, 8, 4, 4]) {{ %y = choice ?op (%x) {{{candidates}}} return %y }} }}"
            );
            text.parse().unwrap_or_else(|e| panic!("{e}"))
        };
        let same = fixed("a: conv2d {out=8, k=1}, b: conv2d {out=8, k=3, pad=1}");
        assert!(refuse(&same, 4).contains("?op: it has candidates of a fixed number of channels"));
        let wider = fixed("a: conv2d {out=16, k=1}, b: conv2d {out=16, k=3, pad=1}");
        assert!(refuse(&wider, 4).contains("turns 8 channels into 16"));
        // What keeps any number of channels needs no parameter.
        let free = fixed("a: identity, b: avg_pool {k=3, stride=1, pad=1}");
        assert!(rewrite("pc-darts", &free, 4).is_ok());
    }
}
