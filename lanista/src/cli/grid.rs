//! Small aligned tables of text.

use super::visible::one_line;
use std::fmt::{self, Write};

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table whose columns are as wide as their widest cell, two spaces apart.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: Vec<Align>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

impl Grid {
    /// A table of such columns.
    pub fn new(columns: impl Into<Vec<Align>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), indent: 0 }
    }

    /// Words in every column.
    pub fn words(columns: usize) -> Self {
        Self::new(vec![Align::Left; columns])
    }

    /// Starts every line with some spaces.
    pub fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    /// Adds a row; a cell is one line.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| one_line(cell.as_ref())).collect());
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |c: usize| self.rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        for row in &self.rows {
            let mut line = " ".repeat(self.indent);
            for (c, cell) in row.iter().enumerate() {
                let gap = if c == 0 { "" } else { "  " };
                let pad = widths.get(c).copied().unwrap_or(0).saturating_sub(cell.chars().count());
                match self.columns.get(c) {
                    Some(Align::Right) => write!(line, "{gap}{}{cell}", " ".repeat(pad))?,
                    _ => write!(line, "{gap}{cell}{}", " ".repeat(pad))?,
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A whole number with commas: `1,073,466`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// A measured value for people: two decimals for a percentage, else up to six significant digits.
pub fn measured(value: f64, unit: &str) -> String {
    if unit == "%" {
        return format!("{value:.2}");
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", thousands(value.abs() as u64));
    }
    let before = value.abs().log10().floor().clamp(-12.0, 5.0) as i32;
    format!("{value:.*}", (5 - before).max(0) as usize)
}

/// Seconds for people: `0.4 ms`, `0.18 s`, `12 s`, `3 h 20 min`.
pub fn seconds(s: f64) -> String {
    if s < 0.01 {
        return format!("{:.1} ms", 1e3 * s);
    }
    if s < 10.0 {
        return format!("{s:.2} s");
    }
    if s < 120.0 {
        return format!("{s:.0} s");
    }
    let minutes = (s / 60.0).round() as u64;
    match minutes / 60 {
        0 => format!("{minutes} min"),
        h if h < 48 => format!("{h} h {} min", minutes % 60),
        h => format!("{} d {} h", h / 24, h % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns() {
        let mut g = Grid::new([Align::Left, Align::Right, Align::Left]).indented(2);
        g.row(["a", "1", "%"]);
        g.row(["long", "1,000", ""]);
        assert_eq!(g.to_string(), "  a         1  %\n  long  1,000\n");
    }

    #[test]
    fn numbers() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_531_546), "1,531,546");
        assert_eq!(measured(93.756, "%"), "93.76");
        assert_eq!(measured(1_073_466.0, ""), "1,073,466");
        assert_eq!(measured(0.012_345_678, "s"), "0.0123457");
        assert_eq!(measured(-12.5, "ms"), "-12.5000");
        assert_eq!(seconds(12_000.0), "3 h 20 min");
        assert_eq!(seconds(0.176), "0.18 s");
        assert_eq!(seconds(0.000_4), "0.4 ms");
    }
}
