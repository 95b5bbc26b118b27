//! Modules.

use super::{Parsed, Parser};
use crate::module::Module;
use crate::op::OpRegistry;
use crate::text::lexer::Token;
use crate::value::Name;
use rustc_hash::FxHashMap;
use std::sync::Arc;

impl Parser<'_> {
    /// `module @name { entry, decisions, constraints, graphs }`.
    pub(super) fn module(&mut self, registry: &OpRegistry) -> Parsed<Module> {
        self.expect_word("module", "to start a module")?;
        let name_at = self.at;
        let name = self.graph_name("the name of the module such as `@net`")?;
        self.expect("{", "after the name of the module")?;
        let mut module = Module::new(name, "");
        let mut entry: Option<(Name, usize)> = None;
        let mut decisions: FxHashMap<Name, (usize, usize)> = FxHashMap::default();
        let mut graphs: FxHashMap<Name, usize> = FxHashMap::default();
        while !self.eat("}")? {
            let at = self.at;
            match self.token {
                Token::Word("entry") => {
                    self.bump()?;
                    if let Some((_, first)) = entry {
                        let line = self.line(first);
                        return self.fail(at, format!("found a second entry (first in line {line}), expected one"));
                    }
                    entry = Some((self.graph_name("the entry graph such as `@main`")?, at));
                }
                Token::Word("decision") => {
                    let decision = self.decision()?;
                    let next = (module.decisions.len(), at);
                    match decisions.get(&decision.label) {
                        None => {
                            decisions.insert(decision.label.clone(), next);
                            module.decisions.push(decision);
                        }
                        Some((i, _)) if module.decisions[*i] == decision => {}
                        Some((i, first)) => {
                            let (line, old) = (self.line(*first), &module.decisions[*i]);
                            let message = format!(
                                "found `{decision}`, which line {line} declares as `{old}`, expected one declaration of \
                                 a label; rename one of the two"
                            );
                            return self.fail(at, message);
                        }
                    }
                }
                Token::Word("constraint") => {
                    self.bump()?;
                    let constraint = self.expr()?.expr;
                    module.constraints.push(constraint);
                }
                Token::Word("graph") => {
                    let (graph, at) = self.graph(registry)?;
                    if let Some(first) = graphs.insert(graph.name().clone(), at) {
                        let line = self.line(first);
                        let message = format!(
                            "found a second graph `@{}` (first in line {line}), expected another name",
                            graph.name()
                        );
                        return self.fail(at, message);
                    }
                    module.graphs.push(Arc::new(graph));
                }
                _ => return self.unexpected("`entry`, `decision`, `constraint`, `graph` or `}`"),
            }
        }
        module.entry = match (entry, module.graphs.as_slice()) {
            (Some((entry, _)), _) => entry,
            (None, [only]) => only.name().clone(),
            (None, graphs) => {
                let message = format!("found {} graphs and no entry, expected a line `entry @graph`", graphs.len());
                return self.fail(name_at, message);
            }
        };
        Ok(module)
    }
}
