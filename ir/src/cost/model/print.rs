//! Printing a cost model: one table per factor.

use super::{CostModel, Factor};
use crate::cost::Cost;
use crate::decision::Pick;
use std::fmt;

/// Rows of one table beyond which it is cut.
const MAX_ROWS: usize = 64;

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
        for (ranks, cost) in self.joint(&factor.scope).zip(&factor.table).take(MAX_ROWS) {
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
        match factor.table.len().saturating_sub(MAX_ROWS) {
            0 => Ok(()),
            more => writeln!(f, "  .. and {more} more"),
        }
    }
}
