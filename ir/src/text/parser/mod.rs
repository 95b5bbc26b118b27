//! The parser: one token of look-ahead, recursive descent, precedence climbing.

mod decision;
mod expr;
mod graph;
mod module;
mod template;

pub(crate) use expr::Tall;
pub(crate) use template::make_template;

use super::lexer::{Lexer, Token, position};
use super::{MAX_ITEMS, MAX_NESTING, MAX_TEXT, ParseError};
use crate::decision::{Decision, Domain};
use crate::expr::{DecisionRef, Expr};
use crate::graph::{Callee, Graph, Val};
use crate::module::Module;
use crate::op::{OpRegistry, OpTemplate};
use crate::ty::TensorType;
use crate::value::{Name, Value};
use std::str::FromStr;

type Parsed<T> = Result<T, ParseError>;

/// A text and the token at its front.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    /// Where the token starts.
    at: usize,
    nesting: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parsed<Self> {
        let mut lexer = Lexer::new(text);
        if text.len() > MAX_TEXT {
            return Err(lexer.error(0, format!("found {} bytes, expected at most {MAX_TEXT}", text.len())));
        }
        let (at, token) = lexer.next()?;
        Ok(Self { lexer, token, at, nesting: 0 })
    }

    /// Parses a whole text by `rule`.
    fn whole<T>(text: &'a str, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let mut parser = Self::new(text)?;
        let value = rule(&mut parser)?;
        match parser.token {
            Token::End => Ok(value),
            _ => parser.unexpected("the end of the text"),
        }
    }

    /// Takes the token and moves on.
    fn bump(&mut self) -> Parsed<Token<'a>> {
        let (at, next) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn line(&self, offset: usize) -> u32 {
        position(self.lexer.text(), offset).0
    }

    fn fail<T>(&self, offset: usize, message: impl Into<String>) -> Parsed<T> {
        Err(self.lexer.error(offset, message))
    }

    fn unexpected<T>(&self, expected: &str) -> Parsed<T> {
        self.fail(self.at, format!("found {}, expected {expected}", self.token.describe()))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(s) if s == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token, Token::Word(w) if w == word)
    }

    /// Moves past a sign, if it is next.
    fn eat(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.is_sign(sign);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    /// Moves past a keyword, if it is next.
    fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        let found = self.is_word(word);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &'static str, place: &str) -> Parsed<()> {
        if self.eat(sign)? { Ok(()) } else { self.unexpected(&format!("`{sign}` {place}")) }
    }

    fn expect_word(&mut self, word: &'static str, place: &str) -> Parsed<()> {
        if self.eat_word(word)? { Ok(()) } else { self.unexpected(&format!("`{word}` {place}")) }
    }

    fn word(&mut self, expected: &str) -> Parsed<&'a str> {
        let Token::Word(word) = self.token else { return self.unexpected(expected) };
        self.bump()?;
        Ok(word)
    }

    fn graph_name(&mut self, expected: &str) -> Parsed<Name> {
        match &self.token {
            Token::Graph(name) => {
                let name = name.clone();
                self.bump()?;
                Ok(name)
            }
            _ => self.unexpected(expected),
        }
    }

    fn decision_name(&mut self, expected: &str) -> Parsed<Name> {
        match &self.token {
            Token::Decision(name) => {
                let name = name.clone();
                self.bump()?;
                Ok(name)
            }
            _ => self.unexpected(expected),
        }
    }

    /// A name that may be a bare word or quoted: a group, a candidate's label.
    fn label(&mut self, expected: &str) -> Parsed<Name> {
        match &self.token {
            Token::Word(word) if crate::value::is_identifier(word) => {
                let name = Name::new(word);
                self.bump()?;
                Ok(name)
            }
            Token::Word(word) => {
                let message = format!("found the reserved word `{word}`, expected {expected}; put it into quotes");
                self.fail(self.at, message)
            }
            Token::Text(text) => {
                let name = text.clone();
                self.bump()?;
                Ok(name)
            }
            _ => self.unexpected(expected),
        }
    }

    /// Items up to a closing sign, which is taken; commas between them, and one after the last is allowed.
    fn list<T>(
        &mut self,
        close: &'static str,
        what: &str,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut out = Vec::new();
        loop {
            if self.eat(close)? {
                return Ok(out);
            }
            if out.len() == MAX_ITEMS {
                return self.fail(self.at, format!("found more than {MAX_ITEMS} {what}, expected at most that many"));
            }
            out.push(item(self)?);
            if !self.is_sign(close) && !self.eat(",")? {
                return self.unexpected(&format!("`,` or `{close}` after one of the {what}"));
            }
        }
    }

    /// Runs a rule one level deeper.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == MAX_NESTING {
            let message =
                format!("found brackets or signs nested more than {MAX_NESTING} deep, expected a simpler text");
            return self.fail(self.at, message);
        }
        self.nesting += 1;
        let out = rule(self);
        self.nesting -= 1;
        out
    }
}

/// Parses a module.
///
/// # Errors
/// If the text is malformed, uses an op that the registry lacks, or its nodes do not make a graph.
pub fn parse_module(text: &str, registry: &OpRegistry) -> Result<Module, ParseError> {
    Parser::whole(text, |p| p.module(registry))
}

/// Parses an op template such as `conv2d {out=c, k=3}`, for a graph of these parameters.
///
/// # Errors
/// If the text is malformed, or the registry has no such op or attribute.
pub fn parse_template(text: &str, params: &[Name], registry: &OpRegistry) -> Result<OpTemplate, ParseError> {
    Parser::whole(text, |p| p.template(params, registry))
}

/// Parses an expression that stands inside of `nesting` brackets already.
pub(crate) fn parse_expr_below(text: &str, nesting: u32) -> Result<Tall, ParseError> {
    Parser::whole(text, |p| {
        p.nesting = nesting.min(MAX_NESTING);
        p.expr()
    })
}

macro_rules! from_str {
    ($($ty:ty, $doc:literal, |$p:ident| $rule:expr;)*) => {
        $(impl FromStr for $ty {
            type Err = ParseError;
            #[doc = $doc]
            fn from_str(text: &str) -> Result<Self, ParseError> {
                Parser::whole(text, |$p| $rule)
            }
        })*
    };
}

from_str! {
    Module, "Reads a module, with the ops of the default registry.", |p| p.module(&OpRegistry::default());
    Graph, "Reads a graph, with the ops of the default registry.", |p| p.graph(&OpRegistry::default()).map(|(g, _)| g);
    Expr, "Reads an expression: `max(8, ?width // 2)`.", |p| p.expr().map(|e| e.expr);
    DecisionRef, "Reads a reference to a decision: `?op[i + 1]`.", |p| p.decision_ref();
    Callee, "Reads a graph with arguments: `@cell<16, c>`.", |p| p.callee();
    Decision, "Reads a declaration: `decision ?d in 1..=4 default 2`.", |p| p.decision();
    Domain, "Reads a domain: `[a, b]`, `1..=4`, `2 of 5`, `real 0.1..=1.0 log`.", |p| p.domain();
    Value, "Reads a literal: `3`, `-0.5`, `true`, `conv`, `\"3x3\"`, `[1, 2]`.", |p| p.value();
    TensorType, "Reads a type: `f32[N, 16, 32, 32]`.", |p| p.tensor_type();
    OpTemplate, "Reads an op of a graph without parameters, of the default registry.",
        |p| p.template(&[], &OpRegistry::default());
}

/// Parses a reference to a node's output, `%name` or `%name.1`.
pub(crate) fn parse_val(text: &str) -> Result<Val, ParseError> {
    Parser::whole(text, |p| p.operand())
}
