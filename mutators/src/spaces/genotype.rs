//! DARTS' notation: `Genotype(normal=[('sep_conv_3x3', 1), ..], normal_concat=range(2, 6), reduce=[..], ..)`, and what
//! reads any such Python named tuple.

use super::darts::{NODES, OPS};
use crate::sample::Sample;
use crate::space::Genotype;
use ir::{Name, Value};
use std::ops::Range;

/// The notation of the DARTS code base, a Python named tuple.
#[derive(Debug)]
pub(super) struct Darts;

const SHAPE: &str = "write Genotype(normal=[('sep_conv_3x3', 1), ..], normal_concat=range(2, 6), reduce=[..], \
                     reduce_concat=range(2, 6)) with eight pairs per cell, two per node";

/// The genotypes that the authors published, by name (Liu, Simonyan and Yang 2019): of the first- and the second-order
/// search.
const PUBLISHED: [(&str, &str); 2] = [
    (
        "DARTS_V1",
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), ('sep_conv_3x3', 1), \
    ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=range(2, 6), \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), \
    ('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=range(2, 6))",
    ),
    (
        "DARTS_V2",
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
    ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), \
    ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))",
    ),
];

impl Genotype for Darts {
    fn write(&self, sample: &Sample) -> String {
        let cell = |kind: &str| {
            let mut pairs = Vec::new();
            for node in NODES {
                let Some(Value::List(inputs)) = sample.get(&format!("{kind}_in_{node}")) else { continue };
                for from in inputs {
                    let op = sample.get(&format!("{kind}_op_{node}_{from}")).map(|v| v.to_string());
                    pairs.push(format!("('{}', {from})", op.unwrap_or_default()));
                }
            }
            format!("{kind}=[{}], {kind}_concat=range(2, 6)", pairs.join(", "))
        };
        format!("Genotype({}, {})", cell("normal"), cell("reduce"))
    }

    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String> {
        let text =
            PUBLISHED.iter().find(|(name, _)| *name == text.trim()).map_or(text.trim(), |(_, published)| *published);
        let mut out = Vec::new();
        fields(text, SHAPE, &["normal", "reduce"], |s, field| match field {
            "normal" | "reduce" => cell(field, &s.pairs()?, &mut out),
            "normal_concat" | "reduce_concat" => s.concat(field, NODES),
            other => Err(format!("`{other}` is no part of a genotype; {SHAPE}")),
        })?;
        Ok(out)
    }
}

/// Reads `Genotype(field=.., field=..)`: each field once, in any order, those that are `required` for sure. `shape` says
/// in a message how to write it.
pub(super) fn fields<'a>(
    text: &'a str,
    shape: &'static str,
    required: &[&str],
    mut read: impl FnMut(&mut Scanner<'a>, &'a str) -> Result<(), String>,
) -> Result<(), String> {
    let mut s = Scanner { rest: text, shape };
    let mut seen: Vec<&str> = Vec::new();
    s.expect("Genotype")?;
    s.expect("(")?;
    while !s.accept(")") {
        let field = s.word()?;
        s.expect("=")?;
        read(&mut s, field)?;
        if seen.contains(&field) {
            return Err(format!("`{field}` stands twice; {shape}"));
        }
        seen.push(field);
        if !s.accept(",") {
            s.expect(")")?;
            break;
        }
    }
    if !s.rest.is_empty() {
        return Err(format!("`{}` follows the genotype; {shape}", s.rest));
    }
    match required.iter().find(|f| !seen.contains(f)) {
        Some(missing) => Err(format!("`{missing}` is missing; {shape}")),
        None => Ok(()),
    }
}

/// The decisions of one cell kind from its pairs of operation and input.
fn cell(kind: &str, pairs: &[(String, usize)], out: &mut Vec<(Name, Value)>) -> Result<(), String> {
    if pairs.len() != 2 * NODES.len() {
        return Err(format!("`{kind}` has {} pairs; {SHAPE}", pairs.len()));
    }
    for (node, two) in NODES.zip(pairs.chunks(2)) {
        let mut two: Vec<&(String, usize)> = two.iter().collect();
        two.sort_by_key(|(_, from)| *from);
        if two[0].1 == two[1].1 {
            return Err(format!(
                "node {node} of `{kind}` takes input {} twice; the space takes two distinct inputs",
                two[0].1
            ));
        }
        for (op, from) in &two {
            if *from >= node {
                return Err(format!("node {node} of `{kind}` cannot take input {from}; it takes one below {node}"));
            }
            if op != "none" {
                super::known_operation(op, &OPS)?;
            }
            out.push((Name::new(format!("{kind}_op_{node}_{from}")), Value::label(op)));
        }
        let inputs = two.iter().map(|(_, from)| Value::Int(*from as i64)).collect();
        out.push((Name::new(format!("{kind}_in_{node}")), Value::List(inputs)));
    }
    Ok(())
}

/// What is left of a text.
pub(super) struct Scanner<'a> {
    rest: &'a str,
    shape: &'static str,
}

impl<'a> Scanner<'a> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, token: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) {
            return Ok(());
        }
        let found: String = self.rest.chars().take(12).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
        Err(format!("expected `{token}`, found {found}; {}", self.shape))
    }

    fn word(&mut self) -> Result<&'a str, String> {
        self.skip();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if end == 0 {
            return self.expect("a name").map(|()| "");
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    fn number(&mut self) -> Result<usize, String> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("`{word}` is no number; {}", self.shape))
    }

    /// `[('sep_conv_3x3', 1), ..]`
    pub fn pairs(&mut self) -> Result<Vec<(String, usize)>, String> {
        let mut out = Vec::new();
        self.expect("[")?;
        while !self.accept("]") {
            self.expect("(")?;
            let quote = if self.accept("\"") { "\"" } else { "'" };
            if quote == "'" {
                self.expect("'")?;
            }
            let op = self.word()?.to_owned();
            self.expect(quote)?;
            self.expect(",")?;
            let from = self.number()?;
            self.accept(",");
            self.expect(")")?;
            out.push((op, from));
            if !self.accept(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(out)
    }

    /// `range(2, 6)` or `[2, 3, 4, 5]`: all nodes, the only way in which the spaces join them.
    pub fn concat(&mut self, field: &str, all: Range<usize>) -> Result<(), String> {
        let mut nodes = Vec::new();
        if self.accept("range") {
            self.expect("(")?;
            let from = self.number()?;
            self.expect(",")?;
            let to = self.number()?;
            self.expect(")")?;
            nodes.extend(from..to.min(from + 64));
        } else {
            self.expect("[")?;
            while !self.accept("]") {
                nodes.push(self.number()?);
                if !self.accept(",") {
                    self.expect("]")?;
                    break;
                }
            }
        }
        if nodes.into_iter().eq(all.clone()) {
            return Ok(());
        }
        Err(format!("`{field}` must be range({}, {}): the space joins all {} nodes", all.start, all.end, all.len()))
    }
}
