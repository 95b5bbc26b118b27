//! Graphs and their nodes.

use super::{Parsed, Parser};
use crate::builder::{GraphBuilder, GraphError};
use crate::expr::BinOp;
use crate::graph::{Body, Callee, Candidate, Graph, Reduce, Val};
use crate::op::OpRegistry;
use crate::text::lexer::Token;
use crate::text::{MAX_PARAMS, nearest};
use crate::ty::TensorType;
use crate::value::{Name, is_identifier};
use rustc_hash::FxHashMap;

/// Where the parts of a graph stand, for the errors that the builder finds.
#[derive(Default)]
struct Places {
    params: Vec<(Name, usize)>,
    nodes: Vec<(Name, usize)>,
    /// Every operand: the number of its node, the value and the offset.
    operands: Vec<(usize, Val, usize)>,
    outputs: Vec<(Val, usize)>,
    end: usize,
}

impl Places {
    fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|(n, _)| n == name)
    }
}

impl Parser<'_> {
    /// `graph @name<params>(inputs) { nodes }`, and where its name stands.
    pub(super) fn graph(&mut self, registry: &OpRegistry) -> Parsed<(Graph, usize)> {
        self.expect_word("graph", "to start a graph")?;
        let name_at = self.at;
        let name = self.graph_name("the name of a graph such as `@cell`")?;
        let mut places = Places::default();
        let params = if self.eat("<")? {
            self.list(">", "parameters", |p| {
                let at = p.at;
                if places.params.len() == MAX_PARAMS {
                    return p.fail(at, format!("found more than {MAX_PARAMS} parameters, expected at most that many"));
                }
                let word = p.word("the name of a parameter")?;
                places.params.push((word.into(), at));
                if is_identifier(word) { Ok(word) } else { p.fail(at, reserved(word)) }
            })?
        } else {
            Vec::new()
        };
        let mut builder = GraphBuilder::new(name, &params);
        let params = builder.params().to_vec();
        self.expect("(", "before the inputs of a graph")?;
        while !self.eat(")")? {
            let at = self.at;
            let input = self.definition("an input such as `%x`, or `)`")?;
            places.nodes.push((input.clone(), at));
            let declared = if self.eat(":")? { Some(vec![self.tensor_type()?]) } else { None };
            builder.declared(input, Body::Input, [] as [Val; 0], declared);
            if !self.is_sign(")") && !self.eat(",")? {
                return self.unexpected("`,` or `)` after an input");
            }
        }
        self.expect("{", "before the nodes of a graph")?;
        while !self.is_word("return") {
            places.end = self.at;
            if self.is_sign("}") {
                break;
            }
            self.node(&mut builder, &mut places, &params, registry)?;
        }
        if self.eat_word("return")? {
            loop {
                let at = self.at;
                let val = self.operand()?;
                places.outputs.push((val.clone(), at));
                builder.output(val);
                if !self.eat(",")? {
                    break;
                }
            }
        }
        self.expect("}", "after the outputs of a graph")?;
        match builder.finish() {
            Ok(graph) => Ok((graph, name_at)),
            Err(e) => self.misbuilt(&e, &places, name_at),
        }
    }

    /// The builder's error at the place in the text that causes it.
    fn misbuilt<T>(&self, error: &GraphError, places: &Places, graph_at: usize) -> Parsed<T> {
        let mut message = error.to_string();
        let at = match error {
            GraphError::DuplicateNode { node, .. } => {
                let mut of_name = places.nodes.iter().filter(|(n, _)| n == node).map(|(_, at)| *at);
                let (first, second) = (of_name.next(), of_name.next());
                if let Some(first) = first {
                    message = format!("{message} (the first is in line {})", self.line(first));
                }
                second
            }
            GraphError::Undefined { val, .. } => {
                let user = error.node().and_then(|n| places.node(n));
                let known = places.nodes.iter().map(|(n, _)| n.as_str());
                if let Some(near) = nearest(&val.node, known) {
                    message = format!("{message} (did you mean `{}`?)", Val { node: near.into(), out: val.out });
                }
                match user {
                    Some(user) => places.operands.iter().find(|(n, v, _)| *n == user && v == val).map(|(.., at)| *at),
                    None => places.outputs.iter().find(|(v, _)| v == val).map(|(_, at)| *at),
                }
            }
            GraphError::DuplicateParam { param, .. } => {
                places.params.iter().filter(|(n, _)| n == param).nth(1).map(|(_, at)| *at)
            }
            GraphError::NoOutput { .. } => Some(places.end),
            GraphError::Cycle { .. } | GraphError::TooManyOperands { .. } => {
                error.node().and_then(|n| places.node(n)).map(|i| places.nodes[i].1)
            }
        };
        self.fail(at.unwrap_or(graph_at), message)
    }

    /// The name that a node or an input gets.
    fn definition(&mut self, expected: &str) -> Parsed<Name> {
        match self.token.clone() {
            Token::Value { name, out: 0 } => {
                self.bump()?;
                Ok(name)
            }
            Token::Value { name, .. } => {
                let message = format!("found {}, expected the node's name alone, `%{name}`", self.token.describe());
                self.fail(self.at, message)
            }
            _ => self.unexpected(expected),
        }
    }

    /// A use of a value.
    pub(super) fn operand(&mut self) -> Parsed<Val> {
        match self.token.clone() {
            Token::Value { name, out } => {
                self.bump()?;
                Ok(Val { node: name, out })
            }
            _ => self.unexpected("a value such as `%x` or `%split.1`"),
        }
    }

    /// `%name = body weights w : types`.
    fn node(
        &mut self,
        builder: &mut GraphBuilder,
        places: &mut Places,
        params: &[Name],
        registry: &OpRegistry,
    ) -> Parsed<()> {
        let number = places.nodes.len();
        let at = self.at;
        let name = self.definition("a node such as `%y = relu %x`, `return` or `}`")?;
        places.nodes.push((name.clone(), at));
        self.expect("=", &format!("after `%{name}`"))?;
        let first = places.operands.len();
        let body = self.body(number, places, params, registry)?;
        let operands: Vec<Val> = places.operands[first..].iter().map(|(_, v, _)| v.clone()).collect();
        let weights = if self.eat_word("weights")? { Some(self.label("the name of the weights")?) } else { None };
        let declared = if self.eat(":")? { Some(self.types()?) } else { None };
        let val = builder.declared(name, body, operands, declared);
        if let Some(weights) = weights {
            builder.tie(&val, weights);
        }
        Ok(())
    }

    fn types(&mut self) -> Parsed<Vec<TensorType>> {
        let mut types = vec![self.tensor_type()?];
        while self.eat(",")? {
            if types.len() == usize::from(u8::MAX) + 1 {
                return self.fail(self.at, "found a 257th type, expected at most 256 outputs");
            }
            types.push(self.tensor_type()?);
        }
        Ok(types)
    }

    fn body(&mut self, node: usize, places: &mut Places, params: &[Name], registry: &OpRegistry) -> Parsed<Body> {
        let Token::Word(word) = self.token else {
            let callee = self.callee()?;
            self.arguments(node, places)?;
            return Ok(Body::Call(callee));
        };
        match word {
            "choice" => {
                self.bump()?;
                let decision = self.decision_ref()?;
                self.arguments(node, places)?;
                let candidates = self.candidates(params, registry)?;
                Ok(Body::Choice { decision, candidates })
            }
            "select" => {
                self.bump()?;
                let decision = self.decision_ref()?;
                self.arguments(node, places)?;
                let reduce = if self.is_sign("{") { self.reduce()? } else { Reduce::Sum };
                Ok(Body::Select { decision, reduce })
            }
            "repeat" => {
                self.bump()?;
                let depth = self.expr()?.expr;
                let index = if self.eat_word("as")? {
                    let at = self.at;
                    let word = self.word("a name for the number of the call")?;
                    if !is_identifier(word) {
                        return self.fail(at, reserved(word));
                    }
                    Some(Name::new(word))
                } else {
                    None
                };
                let callee = self.callee()?;
                self.arguments(node, places)?;
                Ok(Body::Repeat { depth, index, callee })
            }
            _ => {
                let (kind, at) = self.op_name(registry)?;
                if matches!(self.token, Token::Value { .. }) {
                    self.operands(node, places)?;
                }
                self.attributes(kind, at, params).map(Body::Op)
            }
        }
    }

    /// Values separated by commas, without parentheses.
    fn operands(&mut self, node: usize, places: &mut Places) -> Parsed<()> {
        loop {
            let at = self.at;
            let val = self.operand()?;
            places.operands.push((node, val, at));
            if !self.eat(",")? {
                return Ok(());
            }
        }
    }

    /// Values separated by commas, in parentheses.
    fn arguments(&mut self, node: usize, places: &mut Places) -> Parsed<()> {
        self.expect("(", "before the operands")?;
        if self.eat(")")? {
            return Ok(());
        }
        self.operands(node, places)?;
        self.expect(")", "or `,` after an operand")
    }

    /// `@graph<args>`. An argument with a comparison stands in parentheses, as `>` ends the arguments.
    pub(super) fn callee(&mut self) -> Parsed<Callee> {
        let graph = self.graph_name("an op such as `relu`, or a graph such as `@cell`")?;
        let args = if self.eat("<")? {
            self.list(">", "arguments", |p| p.level(BinOp::Add.precedence()).map(|x| x.expr))?
        } else {
            Vec::new()
        };
        Ok(Callee::new(graph, args))
    }

    /// `{label: op {..}, label: @graph<..>}`.
    fn candidates(&mut self, params: &[Name], registry: &OpRegistry) -> Parsed<Vec<(Name, Candidate)>> {
        self.expect("{", "before the candidates of a choice")?;
        let mut places: FxHashMap<Name, usize> = FxHashMap::default();
        self.list("}", "candidates", |p| {
            let at = p.at;
            let label = p.label("the label of a candidate")?;
            if let Some(first) = places.insert(label.clone(), at) {
                let line = p.line(first);
                let message = format!(
                    "found a second candidate labelled `{label}` (first in line {line}), expected a label once"
                );
                return p.fail(at, message);
            }
            p.expect(":", "after the label of a candidate")?;
            if let Token::Graph(_) = p.token {
                return Ok((label, Candidate::Call(p.callee()?)));
            }
            let (kind, at) = p.op_name(registry)?;
            Ok((label, Candidate::Op(p.attributes(kind, at, params)?)))
        })
    }

    /// `{reduce=mean}`.
    fn reduce(&mut self) -> Parsed<Reduce> {
        self.expect("{", "before the reduction")?;
        self.expect_word("reduce", "as the only attribute of `select`")?;
        self.expect("=", "after `reduce`")?;
        let at = self.at;
        let word = self.word("sum, mean or concat")?;
        let Some(reduce) = Reduce::ALL.into_iter().find(|r| r.as_str() == word) else {
            return self.fail(at, format!("found `{word}`, expected sum, mean or concat"));
        };
        self.expect("}", "after the reduction")?;
        Ok(reduce)
    }
}

fn reserved(word: &str) -> String {
    format!("found the reserved word `{word}`, expected another name")
}
