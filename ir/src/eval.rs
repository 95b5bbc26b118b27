//! Evaluation of expressions.

use crate::expr::{BinOp, DecisionRef, Expr, Func};
use crate::value::{Name, Real, Value};

/// Where an expression finds its parameters and decisions.
pub trait Env {
    /// The graph parameter of that name, if there is one.
    fn param(&self, name: &str) -> Option<i64>;
    /// The value of a decision, or of a member of a decision family; `None` while it is open or unknown.
    fn decision(&self, label: &str, index: Option<i64>) -> Option<Value>;
}

/// An environment with nothing in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl Env for Empty {
    fn param(&self, _: &str) -> Option<i64> {
        None
    }
    fn decision(&self, _: &str, _: Option<i64>) -> Option<Value> {
        None
    }
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A decision has no value here.
    #[error("decision `{0}` has no value here; declare it, or give it one")]
    OpenDecision(String),
    /// An operand is of the wrong kind.
    #[error("`{expr}`: {op} takes {expected}, not the {found} `{value}`")]
    Kind {
        /// The whole expression.
        expr: String,
        /// The operator or function.
        op: &'static str,
        /// What it takes.
        expected: &'static str,
        /// The kind it found.
        found: &'static str,
        /// The value it found.
        value: String,
    },
    /// A result that does not exist: a division by zero, an overflow, a logarithm of a negative number.
    #[error("`{0}` has no finite value")]
    Undefined(String),
    /// A wrong number of arguments.
    #[error("`{expr}`: {func} takes {expected} arguments, not {found}")]
    Arguments {
        /// The whole expression.
        expr: String,
        /// The function.
        func: &'static str,
        /// How many it takes.
        expected: &'static str,
        /// How many it got.
        found: usize,
    },
}

impl DecisionRef {
    /// The label with its index worked out: `op[3]`.
    ///
    /// # Errors
    /// If the index has no integer value.
    pub fn resolve(&self, env: &dyn Env) -> Result<(Name, Option<i64>), EvalError> {
        let index = match &self.index {
            Some(index) => Some(index.eval_int(env)?),
            None => None,
        };
        Ok((self.label.clone(), index))
    }
}

impl Expr {
    /// Evaluates to a value.
    ///
    /// # Errors
    /// If a decision is open, an operand is of the wrong kind, or the result does not exist.
    pub fn eval(&self, env: &dyn Env) -> Result<Value, EvalError> {
        match self {
            Self::Lit(v) => Ok(v.clone()),
            Self::Ident(name) => Ok(match env.param(name) {
                Some(i) => Value::Int(i),
                None => Value::Str(name.clone()),
            }),
            Self::Decision(d) => {
                let (label, index) = d.resolve(env)?;
                env.decision(&label, index).ok_or_else(|| EvalError::OpenDecision(member_name(&label, index)))
            }
            Self::Neg(x) => match x.eval(env)? {
                Value::Int(i) => i.checked_neg().map(Value::Int).ok_or_else(|| self.undefined()),
                Value::Real(r) => Ok(Value::from(-r.get())),
                v => Err(self.kind("-", "a number", &v)),
            },
            Self::Not(x) => match x.eval(env)? {
                Value::Bool(b) => Ok(Value::Bool(!b)),
                v => Err(self.kind("not", "a boolean", &v)),
            },
            Self::Binary(op, x, y) => self.binary(*op, x, y, env),
            Self::Func(func, args) => self.function(*func, args, env),
            Self::List(items) => items.iter().map(|x| x.eval(env)).collect::<Result<_, _>>().map(Value::List),
        }
    }

    /// Evaluates to an integer.
    ///
    /// # Errors
    /// As [`Expr::eval`], and if the value is no integer.
    pub fn eval_int(&self, env: &dyn Env) -> Result<i64, EvalError> {
        if let Self::Lit(Value::Int(i)) = self {
            return Ok(*i);
        }
        let v = self.eval(env)?;
        v.as_int().ok_or_else(|| self.kind("this place", "an integer", &v))
    }

    /// Evaluates to a boolean.
    ///
    /// # Errors
    /// As [`Expr::eval`], and if the value is no boolean.
    pub fn eval_bool(&self, env: &dyn Env) -> Result<bool, EvalError> {
        match self.eval(env)? {
            Value::Bool(b) => Ok(b),
            v => Err(self.kind("this place", "a boolean", &v)),
        }
    }

    fn undefined(&self) -> EvalError {
        EvalError::Undefined(self.to_string())
    }

    fn kind(&self, op: &'static str, expected: &'static str, value: &Value) -> EvalError {
        EvalError::Kind { expr: self.to_string(), op, expected, found: value.kind(), value: value.to_string() }
    }

    fn number(&self, op: &'static str, v: &Value) -> Result<f64, EvalError> {
        v.as_f64().ok_or_else(|| self.kind(op, "a number", v))
    }

    fn finite(&self, x: f64) -> Result<Value, EvalError> {
        if x.is_finite() { Ok(Value::Real(Real::new(x))) } else { Err(self.undefined()) }
    }

    fn binary(&self, op: BinOp, x: &Expr, y: &Expr, env: &dyn Env) -> Result<Value, EvalError> {
        let a = x.eval(env)?;
        if let BinOp::And | BinOp::Or = op {
            return match (op, &a) {
                (BinOp::And, Value::Bool(false)) | (BinOp::Or, Value::Bool(true)) => Ok(a),
                (_, Value::Bool(_)) => match y.eval(env)? {
                    v @ Value::Bool(_) => Ok(v),
                    v => Err(self.kind(op.as_str(), "a boolean", &v)),
                },
                _ => Err(self.kind(op.as_str(), "a boolean", &a)),
            };
        }
        let b = y.eval(env)?;
        if let BinOp::Eq | BinOp::Ne = op {
            let equal = match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            };
            return Ok(Value::Bool(equal == (op == BinOp::Eq)));
        }
        let (p, q) = (self.number(op.as_str(), &a)?, self.number(op.as_str(), &b)?);
        match op {
            BinOp::Lt => return Ok(Value::Bool(p < q)),
            BinOp::Le => return Ok(Value::Bool(p <= q)),
            BinOp::Gt => return Ok(Value::Bool(p > q)),
            BinOp::Ge => return Ok(Value::Bool(p >= q)),
            BinOp::Div => return self.finite(p / q),
            _ => {}
        }
        if let (Value::Int(i), Value::Int(j)) = (&a, &b) {
            let (i, j) = (*i, *j);
            let exact = match op {
                BinOp::Add => i.checked_add(j),
                BinOp::Sub => i.checked_sub(j),
                BinOp::Mul => i.checked_mul(j),
                BinOp::FloorDiv => floor_div(i, j),
                BinOp::Mod => floor_div(i, j).and_then(|q| i.checked_sub(q.checked_mul(j)?)),
                BinOp::Pow if j < 0 => return self.finite((i as f64).powf(j as f64)),
                BinOp::Pow => u32::try_from(j).ok().and_then(|j| i.checked_pow(j)),
                _ => None,
            };
            return exact.map(Value::Int).ok_or_else(|| self.undefined());
        }
        self.finite(match op {
            BinOp::Add => p + q,
            BinOp::Sub => p - q,
            BinOp::Mul => p * q,
            BinOp::FloorDiv => (p / q).floor(),
            BinOp::Mod => p - (p / q).floor() * q,
            _ => p.powf(q),
        })
    }

    fn function(&self, func: Func, args: &[Expr], env: &dyn Env) -> Result<Value, EvalError> {
        let name = func.as_str();
        let arity = |ok: bool, expected: &'static str| {
            if ok {
                return Ok(());
            }
            Err(EvalError::Arguments { expr: self.to_string(), func: name, expected, found: args.len() })
        };
        if func == Func::If {
            arity(args.len() == 3, "3")?;
            return if args[0].eval_bool(env)? { args[1].eval(env) } else { args[2].eval(env) };
        }
        let values: Vec<Value> = args.iter().map(|x| x.eval(env)).collect::<Result<_, _>>()?;
        match func {
            Func::Min | Func::Max => {
                arity(!values.is_empty(), "1 or more")?;
                let mut best = values[0].clone();
                for v in &values {
                    let (x, y) = (self.number(name, v)?, self.number(name, &best)?);
                    if (func == Func::Min && x < y) || (func == Func::Max && x > y) {
                        best = v.clone();
                    }
                }
                Ok(best)
            }
            Func::MakeDivisible => {
                arity(matches!(values.len(), 2 | 3), "2 or 3")?;
                let v = self.number(name, &values[0])?;
                let d = values[1].as_int().filter(|d| *d > 0);
                let d = d.ok_or_else(|| self.kind(name, "a positive integer divisor", &values[1]))?;
                let least = match values.get(2) {
                    Some(m) => m.as_int().ok_or_else(|| self.kind(name, "an integer minimum", m))?,
                    None => d,
                };
                make_divisible(v, d, least).map(Value::Int).ok_or_else(|| self.undefined())
            }
            Func::Contains => {
                arity(values.len() == 2, "2")?;
                match &values[0] {
                    Value::List(items) => Ok(Value::Bool(items.contains(&values[1]))),
                    v => Err(self.kind(name, "a list", v)),
                }
            }
            Func::Len | Func::Sum => {
                arity(values.len() == 1, "1")?;
                let Value::List(items) = &values[0] else { return Err(self.kind(name, "a list", &values[0])) };
                if func == Func::Len {
                    return Ok(Value::Int(items.len() as i64));
                }
                let sum = items
                    .iter()
                    .cloned()
                    .map(Expr::Lit)
                    .reduce(|a, b| Expr::Binary(BinOp::Add, Box::new(a), Box::new(b)));
                sum.unwrap_or(Expr::int(0)).eval(env)
            }
            _ => {
                arity(values.len() == 1, "1")?;
                let v = &values[0];
                let x = self.number(name, v)?;
                if let (Value::Int(i), Func::Round | Func::Floor | Func::Ceil | Func::Int) = (v, func) {
                    return Ok(Value::Int(*i));
                }
                if let (Value::Int(i), Func::Abs) = (v, func) {
                    return i.checked_abs().map(Value::Int).ok_or_else(|| self.undefined());
                }
                let whole = |x: f64| {
                    if x.abs() < 9.0e15 { Ok(Value::Int(x as i64)) } else { Err(self.undefined()) }
                };
                match func {
                    Func::Abs => self.finite(x.abs()),
                    Func::Round => whole(x.round_ties_even()),
                    Func::Floor => whole(x.floor()),
                    Func::Ceil => whole(x.ceil()),
                    Func::Int => whole(x.trunc()),
                    Func::Exp => self.finite(x.exp()),
                    Func::Log => self.finite(x.ln()),
                    _ => self.finite(x.sqrt()),
                }
            }
        }
    }
}

/// How a member of a family is labelled: `op[3]`; a plain decision is its label.
#[must_use]
pub fn member_name(label: &str, index: Option<i64>) -> String {
    match index {
        Some(i) => format!("{label}[{i}]"),
        None => label.to_owned(),
    }
}

fn floor_div(i: i64, j: i64) -> Option<i64> {
    let q = i.checked_div(j)?;
    Some(if i % j != 0 && (i < 0) != (j < 0) { q - 1 } else { q })
}

/// MobileNet's width rule: the multiple of `d` nearest to `v`, at least `least`, and not below 0.9 `v`.
#[must_use]
pub fn make_divisible(v: f64, d: i64, least: i64) -> Option<i64> {
    let half = v + d as f64 / 2.0;
    if !half.is_finite() || half.abs() > 9.0e15 {
        return None;
    }
    let rounded = least.max((half.trunc() as i64).checked_div_euclid(d)?.checked_mul(d)?);
    if (rounded as f64) < 0.9 * v { rounded.checked_add(d) } else { Some(rounded) }
}
