//! Ops with their attributes.

use super::{Parsed, Parser};
use crate::expr::Expr;
use crate::op::{BUILTIN, OpError, OpKind, OpRegistry, OpTemplate};
use crate::text::lexer::Token;
use crate::value::{Name, Value};

/// Makes a template, and checks also the literal attributes of one that is open.
pub(crate) fn make_template(kind: OpKind, attrs: Vec<(Name, Expr)>, params: &[Name]) -> Result<OpTemplate, OpError> {
    let template = OpTemplate::new(kind, attrs, params)?;
    if let OpTemplate::Open { kind, attrs } = &template {
        check_literals(kind, attrs, params)?;
    }
    Ok(template)
}

/// Finds a literal of the wrong kind beside attributes that are not known yet, by making the op with stand-ins for
/// those. Only for built-in ops, which check one attribute at a time: a custom op may relate several.
fn check_literals(kind: &OpKind, attrs: &[(Name, Expr)], params: &[Name]) -> Result<(), OpError> {
    if BUILTIN.iter().all(|b| b.name != kind.name()) {
        return Ok(());
    }
    let stand_ins = [Value::Int(1), Value::from("f32"), Value::List(Vec::new())];
    let mut tried = vec![0; attrs.len()];
    loop {
        let values: Vec<(Name, Value)> = attrs
            .iter()
            .zip(&tried)
            .map(|((n, x), t)| (n.clone(), x.constant(params).unwrap_or_else(|| stand_ins[*t].clone())))
            .collect();
        let Err(OpError::Attr { attr, expected, found }) = kind.make(&values) else { return Ok(()) };
        let Some(place) = attrs.iter().position(|(n, _)| *n == attr) else { return Ok(()) };
        if attrs[place].1.constant(params).is_some() {
            return Err(OpError::Attr { attr, expected, found });
        }
        tried[place] += 1;
        if tried[place] == stand_ins.len() {
            return Ok(());
        }
    }
}

/// Where an op and its attributes stand in the text.
struct Places {
    op: usize,
    /// Each attribute's name and value, by byte offset.
    attrs: Vec<(Name, usize, usize)>,
}

impl Places {
    fn of(&self, error: &OpError) -> usize {
        let find = |attr: &str| self.attrs.iter().find(|(n, ..)| n == attr);
        match error {
            OpError::UnknownAttr { attr, .. } => find(attr).map_or(self.op, |(_, name, _)| *name),
            OpError::Attr { attr, .. } | OpError::Eval { attr, .. } => find(attr).map_or(self.op, |(.., value)| *value),
            _ => self.op,
        }
    }
}

impl Parser<'_> {
    /// `conv2d {out=c, k=3}`: an op without operands.
    pub(super) fn template(&mut self, params: &[Name], registry: &OpRegistry) -> Parsed<OpTemplate> {
        let (kind, at) = self.op_name(registry)?;
        self.attributes(kind, at, params)
    }

    /// The name of an op, and where it stands.
    pub(super) fn op_name(&mut self, registry: &OpRegistry) -> Parsed<(OpKind, usize)> {
        let at = self.at;
        let name = self.word("an op such as `relu`, or a graph such as `@cell`")?;
        match registry.kind(name) {
            Ok(kind) => Ok((kind, at)),
            Err(e) => self.fail(at, e.to_string()),
        }
    }

    /// The attributes after an op's name and operands, if there are some; commas between them may be left out.
    pub(super) fn attributes(&mut self, kind: OpKind, op: usize, params: &[Name]) -> Parsed<OpTemplate> {
        let mut places = Places { op, attrs: Vec::new() };
        let mut attrs: Vec<(Name, Expr)> = Vec::new();
        if self.eat("{")? {
            while !self.eat("}")? {
                let name_at = self.at;
                let Token::Word(word) = self.token else {
                    return self.unexpected(&format!("an attribute of `{}` such as `k=3`, or `}}`", kind.name()));
                };
                let name = Name::new(word);
                if kind.attrs().iter().all(|a| a.name != word) {
                    let unknown = crate::op::AttrSpec::unknown(kind.name(), kind.attrs(), word);
                    return self.fail(name_at, unknown.to_string());
                }
                if let Some((_, first, _)) = places.attrs.iter().find(|(n, ..)| *n == name) {
                    let line = self.line(*first);
                    let message =
                        format!("found the attribute `{name}` again (first in line {line}), expected it once");
                    return self.fail(name_at, message);
                }
                self.bump()?;
                self.expect("=", &format!("after the attribute `{name}`"))?;
                places.attrs.push((name.clone(), name_at, self.at));
                attrs.push((name, self.expr()?.expr));
                self.eat(",")?;
            }
        }
        match make_template(kind, attrs, params) {
            Ok(template) => Ok(template),
            Err(e) => self.fail(places.of(&e), e.to_string()),
        }
    }
}
