//! Printing a cost model: one table per factor.

use super::{CostModel, Factor};
use crate::cost::Cost;
use crate::decision::Pick;
use std::fmt;

/// Rows of one table beyond which it is cut.
const MAX_ROWS: usize = 64;
/// Rows of one table beyond which those without cost are left out.
const MANY_ROWS: usize = 16;

impl fmt::Display for CostModel {
    /// ```text
    /// params and macs (nasbench) =
    ///   73306 params, 7783050 macs
    /// + ?e01            params      macs
    ///   none                 0         0
    ///   nor_conv_3x3     43280  35389440
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "params and macs ({}) =", self.convention)?;
        if self.factors.is_empty() {
            return writeln!(f, "  0 params, 0 macs");
        }
        for (i, factor) in self.factors.iter().enumerate() {
            let sign = if i == 0 { ' ' } else { '+' };
            match (&factor.scope[..], &factor.table[..]) {
                ([], [Some(Cost { params, macs })]) => writeln!(f, "{sign} {params} params, {macs} macs")?,
                _ => self.table(f, sign, factor)?,
            }
        }
        Ok(())
    }
}

impl CostModel {
    fn table(&self, f: &mut fmt::Formatter<'_>, sign: char, factor: &Factor) -> fmt::Result {
        let head = factor.scope.iter().map(|d| format!("?{}", self.decisions[*d].name));
        let mut rows: Vec<Vec<String>> = vec![head.chain(["params".into(), "macs".into()]).collect()];
        let many = factor.table.len() > MANY_ROWS;
        let free = |cost: &Option<Cost>| *cost == Some(Cost::default());
        let shown = self.joint(&factor.scope).zip(&factor.table).filter(|(_, cost)| !many || !free(cost));
        let listed = shown.clone().count();
        for (ranks, cost) in shown.take(MAX_ROWS) {
            let value = |(d, rank): (&usize, &usize)| {
                let value = self.decisions[*d].domain.value(Pick::index(*rank as u64));
                value.map(|v| v.to_string()).unwrap_or_default()
            };
            let [params, macs] = match cost {
                Some(c) => [c.params.to_string(), c.macs.to_string()],
                None => ["-".into(), "fault".into()],
            };
            rows.push(factor.scope.iter().zip(&ranks).map(value).chain([params, macs]).collect());
        }
        if listed > MAX_ROWS {
            rows.push(std::iter::repeat_n("..".to_owned(), factor.scope.len() + 2).collect());
        }
        if listed < factor.table.len() {
            let other = std::iter::repeat_n("any other".to_owned(), 1);
            let blank = std::iter::repeat_n(String::new(), factor.scope.len() - 1);
            rows.push(other.chain(blank).chain(["0".into(), "0".into()]).collect());
        }
        let columns = factor.scope.len() + 2;
        let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (i, row) in rows.iter().enumerate() {
            write!(f, "{}", if i == 0 { sign } else { ' ' })?;
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if c < factor.scope.len() {
                    write!(f, " {cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
