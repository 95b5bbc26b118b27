//! Random modules, drawn from a tape of bytes: a shorter tape, or one of smaller bytes, makes a simpler module, which
//! is how a failure shrinks.

use ir::expr::{BinOp, Func};
use ir::{
    Body, Callee, Candidate, DType, Decision, DecisionRef, Dim, Domain, Expr, Graph, GraphBuilder, Module, Name,
    OpRegistry, OpTemplate, Reduce, TensorType, Val, Value,
};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};

/// The bytes of a tape; a failing test shows what it made of them, not the bytes.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a tape of {} bytes", self.0.len())
    }
}

/// A tape of at most `most` bytes.
pub fn tape(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes)
}

pub struct Tape<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Tape<'a> {
    pub fn new(bytes: &'a Bytes) -> Self {
        Self { bytes: bytes.0.iter() }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    fn chance(&mut self) -> bool {
        self.byte() > 170
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn word(&mut self) -> u64 {
        u64::from_le_bytes([(); 8].map(|()| self.byte()))
    }

    /// Any text, or one that is likely to be mistaken for something else.
    fn text(&mut self) -> String {
        const ODD: &[&str] = &[
            "a", "c", "relu", "3x3", "", "true", "real", "of", "N", "4N", "a/b", "a/0", "/", "x.1", "%x", "@g", "?d",
            "a b", "\"", "\\", "\n", "\r\t", "; no", "-1", "1.0", "{", "}", "[a, b]", "not", "in", "default",
            "weights",
        ];
        if self.byte() < 200 {
            return self.pick(ODD).to_owned();
        }
        let length = self.below(6);
        (0..length).filter_map(|_| char::from_u32((self.word() as u32) % 0x0011_0000)).collect()
    }

    fn identifier(&mut self) -> &'static str {
        self.pick(&[
            "c", "k", "stride", "i", "relu", "mean", "N", "choice", "as", "min", "default", "x_1", "graph", "_",
        ])
    }

    fn int(&mut self) -> i64 {
        match self.below(6) {
            0..=3 => i64::from(self.byte()) - 8,
            4 => self.word() as i64,
            _ => self.pick(&[i64::MIN, i64::MAX, -1, 0]),
        }
    }

    fn real(&mut self) -> f64 {
        let x = match self.below(4) {
            0 => f64::from(self.byte()) / 8.0 - 2.0,
            1 => self.pick(&[0.0, -0.0, 1e-5, 1e300, -1e-300, 0.1, 1e16, 123_456_789.0, f64::MAX, f64::MIN_POSITIVE]),
            _ => f64::from_bits(self.word()),
        };
        if x.is_finite() { x } else { 0.5 }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 4 } else { 5 }) {
            0 => Value::Int(self.int()),
            1 => Value::label(self.text()),
            2 => Value::from(self.real()),
            3 => Value::Bool(self.chance()),
            _ => Value::List((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
        }
    }

    pub fn expr(&mut self, depth: usize) -> Expr {
        let boxed = |t: &mut Self| Box::new(t.expr(depth - 1));
        match self.below(if depth == 0 { 6 } else { 12 }) {
            0 => Expr::int(self.int()),
            1 => Expr::ident(self.identifier()),
            2 => Expr::decision(self.text()),
            3 => Expr::Lit(Value::from(self.real())),
            4 => Expr::Lit(Value::label(self.text())),
            5 => Expr::Lit(Value::Bool(self.chance())),
            6 => Expr::Neg(boxed(self)),
            7 => Expr::Not(boxed(self)),
            8 => Expr::Func(self.pick(Func::ALL), (0..self.below(4)).map(|_| self.expr(depth - 1)).collect()),
            9 => Expr::List((0..self.below(4)).map(|_| self.expr(depth - 1)).collect()),
            10 => Expr::Decision(DecisionRef::member(self.text(), self.expr(depth - 1))),
            _ => Expr::Binary(self.pick(BinOp::ALL), boxed(self), boxed(self)),
        }
    }

    fn domain(&mut self) -> Domain {
        let values = |t: &mut Self| (0..1 + t.below(9)).map(|_| t.value(1)).collect::<Vec<_>>();
        let set = |t: &mut Self| if t.chance() { values(t) } else { Domain::first(t.below(9)) };
        match self.below(5) {
            0 => Domain::Categorical(values(self)),
            1 => {
                let (a, b) = (self.int() / 2, self.int() / 2);
                Domain::Range { lo: a.min(b), hi: a.max(b), step: 1 + self.below(4) as i64 }
            }
            2 => {
                let of = set(self);
                Domain::Subset { min: 0, max: of.len() as u32, of }
            }
            3 => {
                let of = set(self);
                let (a, b) = (self.below(of.len() + 1) as u32, self.below(of.len() + 1) as u32);
                Domain::Subset { min: a.min(b), max: a.max(b), of }
            }
            _ => {
                let (a, b) = (self.real(), self.real());
                Domain::Real { lo: a.min(b).into(), hi: a.max(b).into(), log: self.chance() && a.min(b) > 0.0 }
            }
        }
    }

    fn decision(&mut self, label: &str) -> Decision {
        let domain = self.domain();
        let mut decision = Decision::new(label, domain)
            .unwrap_or_else(|_| Decision::new(label, Domain::Categorical(vec![1.into()])).expect("one value"));
        if self.chance() {
            decision = decision.family(self.below(200) as u32);
        }
        let size = decision.domain.size();
        if let Some(n) = size.filter(|n| *n < 20 && self.chance()) {
            let weights = (0..n).map(|_| f64::from(self.byte()) / 10.0).collect();
            decision = decision.clone().weighted(weights).unwrap_or(decision);
        }
        if self.chance() {
            decision.default = match (size, decision.domain.quantile(f64::from(self.byte()) / 255.0)) {
                (Some(n), _) => ir::Pick::index(self.word() % n),
                (None, point) => point.unwrap_or(decision.default),
            };
        }
        if self.chance() {
            decision = decision.grouped(self.text());
        }
        decision
    }

    fn tensor_type(&mut self) -> TensorType {
        let dim = |t: &mut Self| match t.below(3) {
            0 => Dim::fixed(u32::from(t.byte())),
            1 => Dim::BATCH,
            _ => Dim::batches(t.word() as u32),
        };
        TensorType::new(self.pick(&DType::ALL), (0..self.below(5)).map(|_| dim(self)).collect::<Vec<_>>())
    }

    fn template(&mut self, params: &[Name]) -> OpTemplate {
        let registry = OpRegistry::default();
        let (kind, attrs): (&str, Vec<(&str, Expr)>) = match self.below(5) {
            0 => ("relu", vec![]),
            1 => ("add", vec![]),
            2 => ("custom", vec![("name", Expr::Lit(Value::label(self.text())))]),
            3 => ("custom", vec![("commutative", self.expr(2)), ("name", self.expr(1))]),
            _ => ("conv2d", vec![("pad", self.expr(3)), ("out", self.expr(3)), ("k", self.expr(1))]),
        };
        // A literal of the wrong kind would be refused, so that literals of an attribute are small numbers here.
        let number = |x: Expr| match (kind, x.constant(params)) {
            ("conv2d", Some(_)) => Expr::int(3),
            _ => x,
        };
        let attrs = attrs.into_iter().map(|(n, x)| (Name::new(n), number(x))).collect();
        let relu =
            || OpTemplate::new(registry.kind("relu").expect("built in"), Vec::new(), params).expect("no attributes");
        OpTemplate::new(registry.kind(kind).expect("built in"), attrs, params).unwrap_or_else(|_| relu())
    }

    fn callee(&mut self) -> Callee {
        Callee::new(self.text(), (0..self.below(4)).map(|_| self.expr(2)).collect::<Vec<_>>())
    }

    fn decision_ref(&mut self) -> DecisionRef {
        if self.chance() { DecisionRef::member(self.text(), self.expr(2)) } else { DecisionRef::new(self.text()) }
    }

    fn body(&mut self, params: &[Name]) -> Body {
        match self.below(5) {
            0 => Body::Op(self.template(params)),
            1 => Body::Call(self.callee()),
            2 => {
                let candidate = |t: &mut Self, i: usize| {
                    let call = t.chance();
                    let label = Name::new(format!("{}{i}", t.text()));
                    (label, if call { Candidate::Call(t.callee()) } else { Candidate::Op(t.template(params)) })
                };
                let n = self.below(6);
                Body::Choice { decision: self.decision_ref(), candidates: (0..n).map(|i| candidate(self, i)).collect() }
            }
            3 => Body::Select { decision: self.decision_ref(), reduce: self.pick(&Reduce::ALL) },
            _ => {
                let index = if self.chance() { Some(Name::new(self.identifier())) } else { None };
                Body::Repeat { depth: self.expr(3), index, callee: self.callee() }
            }
        }
    }

    pub fn graph(&mut self, name: &str) -> Graph {
        let mut params: Vec<&str> = (0..self.below(3)).map(|_| self.identifier()).collect();
        params.dedup();
        let mut builder = GraphBuilder::new(name, &params);
        let params = builder.params().to_vec();
        let mut values: Vec<Val> = Vec::new();
        for i in 0..=self.below(3) {
            let name = format!("{}{i}", self.text());
            let declared = if self.chance() { Some(vec![self.tensor_type()]) } else { None };
            values.push(builder.declared(name, Body::Input, [] as [Val; 0], declared));
        }
        for i in 0..self.below(9) {
            let name = format!("{}_{i}", self.text());
            let body = self.body(&params);
            let operands: Vec<Val> =
                (0..self.below(4)).map(|_| self.pick(&values).output(self.below(3) as u8)).collect();
            let declared =
                if self.chance() { Some((0..=self.below(2)).map(|_| self.tensor_type()).collect()) } else { None };
            let val = builder.declared(name, body, operands, declared);
            if self.chance() {
                builder.tie(&val, self.text());
            }
            values.push(val);
        }
        for _ in 0..=self.below(3) {
            let value = self.pick(&values).output(self.pick(&[0, 0, 1, 255]));
            builder.output(value);
        }
        builder.finish().expect("names are distinct, and operands come first")
    }

    pub fn module(&mut self) -> Module {
        let mut module = Module::new(self.text(), self.text());
        for i in 0..self.below(5) {
            let label = format!("{}{i}", self.text());
            module.decisions.push(self.decision(&label));
        }
        module.constraints = (0..self.below(4)).map(|_| self.expr(4)).collect();
        for i in 0..self.below(4) {
            let name = format!("{}{i}", self.text());
            module.set_graph(self.graph(&name));
        }
        module
    }
}
