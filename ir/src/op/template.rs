//! Op templates: what a node of a parametric graph holds, an op whose attributes may be expressions.

use super::{AttrSpec, Op, OpError, OpKind, OpRegistry};
use crate::eval::Env;
use crate::expr::Expr;
use crate::value::Name;
use std::fmt;

/// An op whose attributes are expressions over graph parameters and decisions.
///
/// Invariant: a template without parameters and decisions is `Fixed`, so that equal templates compare equal and
/// instantiation costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpTemplate {
    /// All attributes are known.
    Fixed(Op),
    /// Some attribute awaits a parameter or a decision.
    Open {
        /// The kind of op.
        kind: OpKind,
        /// Attributes in the order of declaration.
        attrs: Vec<(Name, Expr)>,
    },
}

impl OpTemplate {
    /// A template of a kind; `params` are the parameters of the graph that it is to stand in.
    ///
    /// # Errors
    /// If an attribute is unknown, absent, or a literal of the wrong kind.
    pub fn new(kind: OpKind, mut attrs: Vec<(Name, Expr)>, params: &[Name]) -> Result<Self, OpError> {
        let specs = kind.attrs();
        let place = |name: &Name| specs.iter().position(|s| s.name == name);
        if let Some((unknown, _)) = attrs.iter().find(|(n, _)| place(n).is_none()) {
            return Err(AttrSpec::unknown(kind.name(), specs, unknown));
        }
        if let Some(missing) = specs.iter().find(|s| s.required && attrs.iter().all(|(n, _)| n != s.name)) {
            return Err(OpError::MissingAttr { op: kind.name().to_owned(), attr: missing.name.to_owned() });
        }
        attrs.sort_by_key(|(n, _)| place(n));
        let literal: Option<Vec<_>> = attrs.iter().map(|(n, x)| x.constant(params).map(|v| (n.clone(), v))).collect();
        match literal {
            Some(values) => kind.make(&values).map(Self::Fixed),
            None => Ok(Self::Open { kind, attrs }),
        }
    }

    /// The name of the op.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fixed(op) => op.name(),
            Self::Open { kind, .. } => kind.name(),
        }
    }

    /// The attributes that differ from their defaults (all that were given, while open).
    #[must_use]
    pub fn attrs(&self) -> Vec<(Name, Expr)> {
        match self {
            Self::Fixed(op) => op.attrs().into_iter().map(|(n, v)| (n, Expr::literal(v))).collect(),
            Self::Open { attrs, .. } => attrs.clone(),
        }
    }

    /// Works the attributes out.
    ///
    /// # Errors
    /// If an expression has no value, or the value is of the wrong kind.
    pub fn instantiate(&self, env: &dyn Env) -> Result<Op, OpError> {
        match self {
            Self::Fixed(op) => Ok(op.clone()),
            Self::Open { kind, attrs } => {
                let mut values = Vec::with_capacity(attrs.len());
                for (n, x) in attrs {
                    let v = x.eval(env).map_err(|source| OpError::Eval { attr: n.to_string(), source })?;
                    values.push((n.clone(), v));
                }
                kind.make(&values)
            }
        }
    }

    /// The template with every expression rewritten, for a graph of these parameters.
    ///
    /// # Errors
    /// As [`OpTemplate::new`].
    pub fn rewrite(&self, params: &[Name], f: &dyn Fn(&Expr) -> Option<Expr>) -> Result<Self, OpError> {
        match self {
            Self::Fixed(_) => Ok(self.clone()),
            Self::Open { kind, attrs } => {
                let attrs = attrs.iter().map(|(n, x)| (n.clone(), x.rewrite(f))).collect();
                Self::new(kind.clone(), attrs, params)
            }
        }
    }

    /// Parses a template such as `conv2d {out=c, k=3, pad=1}` for a graph of these parameters.
    ///
    /// # Errors
    /// If the text is malformed, with line and column, or the op does not exist.
    pub fn parse(text: &str, params: &[Name]) -> Result<Self, crate::text::ParseError> {
        crate::text::parse_template(text, params, &OpRegistry::default())
    }
}

impl From<Op> for OpTemplate {
    fn from(op: Op) -> Self {
        Self::Fixed(op)
    }
}

impl fmt::Display for OpTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(op) => write!(f, "{op}"),
            Self::Open { kind, attrs } => {
                f.write_str(kind.name())?;
                for (i, (name, x)) in attrs.iter().enumerate() {
                    write!(f, "{}{name}={x}", if i == 0 { " {" } else { ", " })?;
                }
                f.write_str(if attrs.is_empty() { "" } else { "}" })
            }
        }
    }
}
