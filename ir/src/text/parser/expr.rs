//! Expressions, literals and types.

use super::{Parsed, Parser};
use crate::expr::{BinOp, DecisionRef, Expr, Func, NEG_PRECEDENCE, NOT_PRECEDENCE};
use crate::text::lexer::Token;
use crate::text::{MAX_HEIGHT, nearest};
use crate::ty::{DType, Dim, TensorType};
use crate::value::{Name, Real, Value, is_identifier};

/// An expression and the height of its tree, which is bounded so that a walk over it cannot overflow the stack.
pub(crate) struct Tall {
    pub(crate) expr: Expr,
    pub(crate) height: u32,
}

impl From<Expr> for Tall {
    fn from(expr: Expr) -> Self {
        Self { expr, height: 1 }
    }
}

impl Tall {
    /// The expression that `make` builds over some others.
    pub(crate) fn over(parts: Vec<Self>, make: impl FnOnce(Vec<Expr>) -> Expr) -> Self {
        let height = 1 + parts.iter().map(|p| p.height).max().unwrap_or(0);
        Self { expr: make(parts.into_iter().map(|p| p.expr).collect()), height }
    }

    fn map(self, make: impl FnOnce(Box<Expr>) -> Expr) -> Self {
        Self { expr: make(Box::new(self.expr)), height: self.height + 1 }
    }
}

const EXPECTED: &str = "an expression: a number, a name, `?decision`, a function, `[` or `(`";

impl Parser<'_> {
    /// An expression of any kind.
    pub(super) fn expr(&mut self) -> Parsed<Tall> {
        self.level(1)
    }

    /// An expression whose outermost operator binds at least as strongly as `min`.
    pub(super) fn level(&mut self, min: u8) -> Parsed<Tall> {
        let first = self.unary(min)?;
        self.climb(first, min)
    }

    /// The binary operator that is next. A `%` before a letter was read as a value, which cannot stand here.
    fn operator(&mut self) -> Parsed<Option<BinOp>> {
        if let Token::Value { .. } = self.token {
            let op_at = self.at;
            if self.lexer.text()[op_at + 1..].starts_with('"') {
                return Ok(None);
            }
            self.lexer.seek(op_at + 1);
            self.token = Token::Sign("%");
        }
        Ok(match self.token {
            Token::Sign(sign) => BinOp::from_name(sign),
            Token::Word("and") => Some(BinOp::And),
            Token::Word("or") => Some(BinOp::Or),
            _ => None,
        })
    }

    fn climb(&mut self, mut left: Tall, min: u8) -> Parsed<Tall> {
        let compares = BinOp::Eq.precedence();
        let mut compared = false;
        while let Some(op) = self.operator()? {
            let p = op.precedence();
            if p < min {
                break;
            }
            if p == compares && compared {
                let message = format!("found a second comparison `{}`, expected `and` between the two", op.as_str());
                return self.fail(self.at, message);
            }
            compared = p == compares;
            let at = self.at;
            self.bump()?;
            // Only a power's right side can recurse without end; the others climb to the next precedence.
            let right = if op == BinOp::Pow { self.nested(|inner| inner.level(p))? } else { self.level(p + 1)? };
            let height = 1 + left.height.max(right.height);
            self.check_height(at, height)?;
            left = Tall { expr: Expr::Binary(op, Box::new(left.expr), Box::new(right.expr)), height };
        }
        Ok(left)
    }

    fn check_height(&self, at: usize, height: u32) -> Parsed<()> {
        if height <= MAX_HEIGHT {
            return Ok(());
        }
        self.fail(
            at,
            format!("found an expression of more than {MAX_HEIGHT} operators in a row, expected a simpler one"),
        )
    }

    fn unary(&mut self, min: u8) -> Parsed<Tall> {
        if self.is_word("not") {
            if min > NOT_PRECEDENCE {
                return self.unexpected("an operand; put `not ...` into parentheses here");
            }
            self.bump()?;
            let x = self.nested(|p| p.level(NOT_PRECEDENCE))?;
            return Ok(x.map(Expr::Not));
        }
        if !self.is_sign("-") {
            return self.primary();
        }
        self.bump()?;
        let (at, number) = (self.at, self.token.clone());
        if !matches!(number, Token::Int(_) | Token::Real(_)) {
            return self.nested(|p| p.level(NEG_PRECEDENCE + 1)).map(|x| x.map(Expr::Neg));
        }
        self.bump()?;
        // A sign and a number are one literal, but `-2 ** 2` is `-(2 ** 2)`.
        if self.is_sign("**") {
            let base = self.positive(at, &number)?;
            return self.climb(base.into(), NEG_PRECEDENCE + 1).map(|x| x.map(Expr::Neg));
        }
        Ok(Expr::Lit(self.negative(at, &number)?).into())
    }

    fn positive(&self, at: usize, number: &Token<'_>) -> Parsed<Expr> {
        match number {
            Token::Real(x) => Ok(Expr::Lit(Value::from(*x))),
            Token::Int(i) => match i64::try_from(*i) {
                Ok(i) => Ok(Expr::int(i)),
                Err(_) => self.fail(at, format!("found the number {i}, expected at most {}", i64::MAX)),
            },
            _ => self.unexpected("a number"),
        }
    }

    fn negative(&self, at: usize, number: &Token<'_>) -> Parsed<Value> {
        match number {
            Token::Real(x) => Ok(Value::Real(Real::new(-x))),
            Token::Int(i) => match 0i64.checked_sub_unsigned(*i) {
                Some(i) => Ok(Value::Int(i)),
                None => self.fail(at, format!("found the number -{i}, expected at least {}", i64::MIN)),
            },
            _ => self.unexpected("a number"),
        }
    }

    fn primary(&mut self) -> Parsed<Tall> {
        let at = self.at;
        match self.token.clone() {
            number @ (Token::Int(_) | Token::Real(_)) => {
                let x = self.positive(at, &number)?;
                self.bump()?;
                Ok(x.into())
            }
            Token::Text(text) => {
                self.bump()?;
                Ok(Expr::Lit(Value::Str(text)).into())
            }
            Token::Decision(label) => {
                self.bump()?;
                self.member(label)
            }
            Token::Sign("(") => {
                self.bump()?;
                let x = self.nested(Self::expr)?;
                self.expect(")", "to close the parenthesis")?;
                Ok(x)
            }
            Token::Sign("[") => {
                self.bump()?;
                let items = self.nested(|p| p.list("]", "list items", Self::expr))?;
                let list = Tall::over(items, Expr::List);
                self.check_height(at, list.height)?;
                Ok(list)
            }
            Token::Word(word) => {
                self.bump()?;
                self.named(at, word)
            }
            _ => self.unexpected(EXPECTED),
        }
    }

    /// What starts with a word: a constant, a function call, a parameter or a label.
    fn named(&mut self, at: usize, word: &str) -> Parsed<Tall> {
        if self.is_sign("(") {
            let Some(func) = Func::from_name(word) else {
                let names: Vec<&str> = Func::ALL.iter().map(|f| f.as_str()).collect();
                let hint = nearest(word, names.iter().copied()).map_or(String::new(), |n| format!("`{n}`, "));
                return self.fail(at, format!("found `{word}(`, expected {hint}one of {}", names.join(", ")));
            };
            self.bump()?;
            let args = self.nested(|p| p.list(")", "arguments", Self::expr))?;
            let call = Tall::over(args, |args| Expr::Func(func, args));
            self.check_height(at, call.height)?;
            return Ok(call);
        }
        Ok(match word {
            "true" => Expr::Lit(Value::Bool(true)).into(),
            "false" => Expr::Lit(Value::Bool(false)).into(),
            _ if is_identifier(word) => Expr::Ident(Name::new(word)).into(),
            _ => return self.fail(at, format!("found the reserved word `{word}`, expected {EXPECTED}")),
        })
    }

    fn member(&mut self, label: Name) -> Parsed<Tall> {
        if !self.is_sign("[") {
            return Ok(Expr::Decision(DecisionRef { label, index: None }).into());
        }
        let at = self.at;
        self.bump()?;
        let index = self.nested(Self::expr)?;
        self.expect("]", "after the index of a decision")?;
        let member = index.map(|index| Expr::Decision(DecisionRef { label, index: Some(index) }));
        self.check_height(at, member.height)?;
        Ok(member)
    }

    /// `?label` or `?label[index]`.
    pub(super) fn decision_ref(&mut self) -> Parsed<DecisionRef> {
        let label = self.decision_name("a decision such as `?op` or `?op[i]`")?;
        match self.member(label)?.expr {
            Expr::Decision(decision) => Ok(decision),
            _ => self.unexpected("a decision"),
        }
    }

    /// A literal value; a bare word is a label.
    pub(super) fn value(&mut self) -> Parsed<Value> {
        match &self.token {
            Token::Word("true") => self.bump().map(|_| Value::Bool(true)),
            Token::Word("false") => self.bump().map(|_| Value::Bool(false)),
            Token::Word(_) | Token::Text(_) => self.label("a value").map(Value::Str),
            Token::Int(_) | Token::Real(_) | Token::Sign("-") => self.number(),
            Token::Sign("[") => {
                self.bump()?;
                self.nested(|p| p.list("]", "list items", Self::value)).map(Value::List)
            }
            _ => self.unexpected("a value: a number, a label, true, false or a list"),
        }
    }

    /// A number with an optional sign.
    pub(super) fn number(&mut self) -> Parsed<Value> {
        let minus = self.eat("-")?;
        let (at, number) = (self.at, self.token.clone());
        if !matches!(number, Token::Int(_) | Token::Real(_)) {
            return self.unexpected("a number");
        }
        self.bump()?;
        if minus {
            return self.negative(at, &number);
        }
        match self.positive(at, &number)? {
            Expr::Lit(v) => Ok(v),
            _ => self.unexpected("a number"),
        }
    }

    /// A number without a fraction, with an optional sign.
    pub(super) fn integer(&mut self, what: &str) -> Parsed<i64> {
        let at = self.at;
        if !matches!(self.token, Token::Int(_) | Token::Real(_) | Token::Sign("-")) {
            return self.unexpected(&format!("{what}, a whole number"));
        }
        match self.number()? {
            Value::Int(i) => Ok(i),
            v => self.fail(at, format!("found `{v}`, expected {what}, a whole number")),
        }
    }

    /// A whole number that is not negative and fits 32 bits.
    pub(super) fn count(&mut self, what: &str) -> Parsed<u32> {
        let at = self.at;
        let i = self.integer(what)?;
        match u32::try_from(i) {
            Ok(n) => Ok(n),
            Err(_) => self.fail(at, format!("found `{i}`, expected {what}, a number from 0 to {}", u32::MAX)),
        }
    }

    /// `f32[N, 16]`.
    pub(super) fn tensor_type(&mut self) -> Parsed<TensorType> {
        let at = self.at;
        let expected = "a type such as `f32[N, 16, 32, 32]`";
        let word = self.word(expected)?;
        let Some(dtype) = DType::from_name(word) else {
            let names: Vec<&str> = DType::ALL.iter().map(|d| d.as_str()).collect();
            return self.fail(at, format!("found `{word}`, expected one of the element types {}", names.join(", ")));
        };
        self.expect("[", "before the dimensions of a type")?;
        let shape = self.list("]", "dimensions", Self::dim)?;
        Ok(TensorType::new(dtype, shape))
    }

    fn dim(&mut self) -> Parsed<Dim> {
        match self.token {
            Token::Batch(n) => self.bump().map(|_| Dim::batches(n)),
            Token::Word("N") => self.bump().map(|_| Dim::BATCH),
            Token::Int(_) => self.count("a dimension").map(Dim::fixed),
            _ => self.unexpected("a dimension: a number, `N`, or a multiple such as `4N`"),
        }
    }
}
