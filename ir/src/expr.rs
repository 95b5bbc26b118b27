//! Expressions: an attribute is a literal, a graph parameter, a decision, or arithmetic over those.
//!
//! The arithmetic is Python's, the field's lingua franca: `/` is true division, `//` and `%` floor, `**` is power,
//! and `round` goes half to even. Integers are 64 bits and an overflow is an error, never a wrapped number.

use crate::value::{Name, Sigil, Value, is_identifier, write_quoted};
use std::fmt;

/// A reference to a decision, `?width`, or to a member of a decision family, `?op[i]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DecisionRef {
    /// The label without the question mark.
    pub label: Name,
    /// The member of a family, an integer expression.
    pub index: Option<Box<Expr>>,
}

impl DecisionRef {
    /// A plain decision.
    pub fn new(label: impl AsRef<str>) -> Self {
        Self { label: Name::new(label), index: None }
    }

    /// A member of a family.
    pub fn member(label: impl AsRef<str>, index: Expr) -> Self {
        Self { label: Name::new(label), index: Some(Box::new(index)) }
    }
}

impl fmt::Display for DecisionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Sigil('?', &self.label))?;
        match &self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}

/// An expression over literals, graph parameters and decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A literal number, boolean, list, or a string that is no identifier.
    Lit(Value),
    /// A bare identifier: the graph's parameter of that name, or else a label.
    Ident(Name),
    /// A decision.
    Decision(DecisionRef),
    /// `-x`.
    Neg(Box<Expr>),
    /// `not x`.
    Not(Box<Expr>),
    /// `x op y`.
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// `f(x, ...)`.
    Func(Func, Vec<Expr>),
    /// `[x, ...]`.
    List(Vec<Expr>),
}

macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// How the text form spells it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The member of that spelling.
            #[must_use]
            pub fn from_name(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|x| x.as_str() == text)
            }
        }
    };
}

spelled! {
    /// A binary operator.
    BinOp {
        /// Disjunction of booleans.
        Or = "or",
        /// Conjunction of booleans.
        And = "and",
        /// Equality of values.
        Eq = "==",
        /// Inequality of values.
        Ne = "!=",
        /// Less or equal.
        Le = "<=",
        /// Less.
        Lt = "<",
        /// Greater or equal.
        Ge = ">=",
        /// Greater.
        Gt = ">",
        /// Sum.
        Add = "+",
        /// Difference.
        Sub = "-",
        /// Floor division.
        FloorDiv = "//",
        /// True division, always a real number.
        Div = "/",
        /// Floor remainder.
        Mod = "%",
        /// Power.
        Pow = "**",
        /// Product.
        Mul = "*",
    }
}

impl BinOp {
    /// Binding strength, weakest first; `**` is the only one that associates to the right.
    #[must_use]
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Eq | Self::Ne | Self::Le | Self::Lt | Self::Ge | Self::Gt => 4,
            Self::Add | Self::Sub => 5,
            Self::Mul | Self::Div | Self::FloorDiv | Self::Mod => 6,
            Self::Pow => 8,
        }
    }
}

/// Binding strength of `not`, between `and` and the comparisons.
pub(crate) const NOT_PRECEDENCE: u8 = 3;
/// Binding strength of unary minus, between products and powers.
pub(crate) const NEG_PRECEDENCE: u8 = 7;

spelled! {
    /// A function.
    Func {
        /// Absolute value.
        Abs = "abs",
        /// Nearest integer, half to even.
        Round = "round",
        /// Next integer below.
        Floor = "floor",
        /// Next integer above.
        Ceil = "ceil",
        /// Truncation to an integer.
        Int = "int",
        /// Least of its arguments.
        Min = "min",
        /// Greatest of its arguments.
        Max = "max",
        /// `make_divisible(v, d)`: the multiple of `d` nearest to `v`, not below 0.9 `v` nor below `d`
        /// (the rounding rule of MobileNet's widths).
        MakeDivisible = "make_divisible",
        /// Natural exponential.
        Exp = "exp",
        /// Natural logarithm.
        Log = "log",
        /// Square root.
        Sqrt = "sqrt",
        /// `if(condition, then, else)`.
        If = "if",
        /// Length of a list.
        Len = "len",
        /// Sum of a list.
        Sum = "sum",
        /// `contains(list, value)`.
        Contains = "contains",
    }
}

impl Expr {
    /// An integer literal.
    #[must_use]
    pub fn int(i: i64) -> Self {
        Self::Lit(Value::Int(i))
    }

    /// A graph parameter or a label.
    pub fn ident(name: impl AsRef<str>) -> Self {
        Self::Ident(Name::new(name))
    }

    /// A decision.
    pub fn decision(label: impl AsRef<str>) -> Self {
        Self::Decision(DecisionRef::new(label))
    }

    /// A literal value in its canonical spelling: labels become identifiers where they can.
    #[must_use]
    pub fn literal(value: Value) -> Self {
        match value {
            Value::Str(s) if is_identifier(&s) => Self::Ident(s),
            Value::List(items) => Self::List(items.into_iter().map(Self::literal).collect()),
            v => Self::Lit(v),
        }
    }

    /// The value, if it depends on no decision and on none of `params`, and has one.
    #[must_use]
    pub fn constant(&self, params: &[Name]) -> Option<Value> {
        let mut closed = true;
        self.walk(&mut |x| match x {
            Self::Decision(_) => closed = false,
            Self::Ident(name) if params.contains(name) => closed = false,
            _ => {}
        });
        if closed { self.eval(&crate::eval::Empty).ok() } else { None }
    }

    /// The expression with its constant part worked out: `2 * 8 * c` stays, `3 // 2` becomes `1`.
    #[must_use]
    pub fn folded(&self, params: &[Name]) -> Self {
        self.constant(params).map_or_else(|| self.clone(), Self::literal)
    }

    /// Visits this expression and all below it, outermost first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Self::Lit(_) | Self::Ident(_) => {}
            Self::Decision(d) => {
                if let Some(index) = &d.index {
                    index.walk(visit);
                }
            }
            Self::Neg(x) | Self::Not(x) => x.walk(visit),
            Self::Binary(_, x, y) => {
                x.walk(visit);
                y.walk(visit);
            }
            Self::Func(_, args) | Self::List(args) => args.iter().for_each(|x| x.walk(visit)),
        }
    }

    /// Rebuilds the expression bottom up through `f`, which returns a replacement or `None` to keep a part.
    #[must_use]
    pub fn rewrite(&self, f: &dyn Fn(&Expr) -> Option<Expr>) -> Expr {
        if let Some(new) = f(self) {
            return new;
        }
        let boxed = |x: &Expr| Box::new(x.rewrite(f));
        match self {
            Self::Lit(_) | Self::Ident(_) => self.clone(),
            Self::Decision(d) => {
                Self::Decision(DecisionRef { label: d.label.clone(), index: d.index.as_deref().map(boxed) })
            }
            Self::Neg(x) => Self::Neg(boxed(x)),
            Self::Not(x) => Self::Not(boxed(x)),
            Self::Binary(op, x, y) => Self::Binary(*op, boxed(x), boxed(y)),
            Self::Func(func, args) => Self::Func(*func, args.iter().map(|x| x.rewrite(f)).collect()),
            Self::List(args) => Self::List(args.iter().map(|x| x.rewrite(f)).collect()),
        }
    }

    /// The decisions that it names, in order of appearance.
    #[must_use]
    pub fn decisions(&self) -> Vec<&DecisionRef> {
        fn go<'a>(x: &'a Expr, out: &mut Vec<&'a DecisionRef>) {
            match x {
                Expr::Lit(_) | Expr::Ident(_) => {}
                Expr::Decision(d) => {
                    out.push(d);
                    if let Some(index) = &d.index {
                        go(index, out);
                    }
                }
                Expr::Neg(x) | Expr::Not(x) => go(x, out),
                Expr::Binary(_, x, y) => {
                    go(x, out);
                    go(y, out);
                }
                Expr::Func(_, args) | Expr::List(args) => args.iter().for_each(|x| go(x, out)),
            }
        }
        let mut out = Vec::new();
        go(self, &mut out);
        out
    }

    fn precedence(&self) -> u8 {
        match self {
            Self::Binary(op, _, _) => op.precedence(),
            Self::Not(_) => NOT_PRECEDENCE,
            Self::Neg(_) => NEG_PRECEDENCE,
            Self::Lit(Value::Int(i)) if *i < 0 => NEG_PRECEDENCE,
            Self::Lit(Value::Real(r)) if r.get() < 0.0 => NEG_PRECEDENCE,
            _ => u8::MAX,
        }
    }
}

impl From<i64> for Expr {
    fn from(i: i64) -> Self {
        Self::int(i)
    }
}

/// An expression that stands in parentheses if it binds more weakly than that.
pub(crate) struct Wrapped<'a>(pub(crate) &'a Expr, pub(crate) u8);

impl Wrapped<'_> {
    /// Whether the parentheses are needed.
    pub(crate) fn is_needed(&self) -> bool {
        self.0.precedence() < self.1
    }
}

impl fmt::Display for Wrapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_needed() { write!(f, "({})", self.0) } else { write!(f, "{}", self.0) }
    }
}

fn comma_separated(f: &mut fmt::Formatter<'_>, items: &[Expr]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A literal with all its labels quoted, as a bare word could be a parameter.
fn write_literal(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Str(s) => write_quoted(f, s),
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                f.write_str(if i == 0 { "[" } else { ", " })?;
                write_literal(f, item)?;
            }
            f.write_str(if items.is_empty() { "[]" } else { "]" })
        }
        v => write!(f, "{v}"),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lit(v) => write_literal(f, v),
            Self::Ident(name) => f.write_str(name),
            Self::Decision(d) => write!(f, "{d}"),
            // Without the parentheses this would read as a negative literal.
            Self::Neg(x) if matches!(**x, Self::Lit(_)) && x.precedence() > NEG_PRECEDENCE => write!(f, "-({x})"),
            Self::Neg(x) => write!(f, "-{}", Wrapped(x, NEG_PRECEDENCE)),
            Self::Not(x) => write!(f, "not {}", Wrapped(x, NOT_PRECEDENCE)),
            Self::Binary(op, x, y) => {
                let p = op.precedence();
                let (left, right) = if *op == BinOp::Pow {
                    (p + 1, NEG_PRECEDENCE)
                } else if p == BinOp::Eq.precedence() {
                    (p + 1, p + 1)
                } else {
                    (p, p + 1)
                };
                write!(f, "{} {} {}", Wrapped(x, left), op.as_str(), Wrapped(y, right))
            }
            Self::Func(func, args) => {
                write!(f, "{}(", func.as_str())?;
                comma_separated(f, args)?;
                f.write_str(")")
            }
            Self::List(items) => {
                f.write_str("[")?;
                comma_separated(f, items)?;
                f.write_str("]")
            }
        }
    }
}
