//! Curves of a training run: as text for a terminal, and as an SVG.

use super::super::visible::one_line;
use std::fmt::Write;

/// A line of a panel.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it shows.
    pub name: &'static str,
    /// One value per epoch, from epoch 1.
    pub values: Vec<f64>,
}

/// Lines over the same axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What is on the y-axis, with its unit.
    pub title: &'static str,
    /// The lines; what has no values is left out.
    pub series: Vec<Series>,
}

/// The marks of the lines in a terminal.
const MARKS: [char; 2] = ['*', 'o'];
/// Their colours in a drawing: Okabe and Ito's blue and vermilion, apart for every eye.
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];
/// Lines and most columns of a plot in a terminal.
const ROWS: usize = 10;
const COLUMNS: usize = 60;

impl Panel {
    fn shown(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().enumerate().filter(|(_, s)| !s.values.is_empty())
    }

    fn epochs(&self) -> usize {
        self.shown().map(|(_, s)| s.values.len()).max().unwrap_or(0)
    }

    /// Least and greatest value, apart from each other.
    fn range(&self) -> (f64, f64) {
        let values = || self.shown().flat_map(|(_, s)| &s.values).copied();
        let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low < high { (low, high) } else { (low - 0.5, low + 0.5) }
    }

    /// The plot for a terminal; empty without values.
    pub fn text(&self) -> String {
        let epochs = self.epochs();
        if epochs == 0 {
            return String::new();
        }
        let (low, high) = self.range();
        let columns = epochs.min(COLUMNS);
        let mut cells = vec![vec![' '; columns]; ROWS];
        for (k, series) in self.shown() {
            for (i, value) in series.values.iter().enumerate() {
                let column = if epochs > 1 { i * (columns - 1) / (epochs - 1) } else { 0 };
                let row = ((high - value) / (high - low) * (ROWS - 1) as f64).round() as usize;
                let cell = &mut cells[row.min(ROWS - 1)][column];
                *cell = if *cell == ' ' || *cell == MARKS[k] { MARKS[k] } else { '#' };
            }
        }
        let keys: Vec<String> = self.shown().map(|(k, s)| format!("{} {}", MARKS[k], s.name)).collect();
        let mut out = format!("{}: {}\n", self.title, keys.join(", "));
        for (row, line) in cells.iter().enumerate() {
            let label = match row {
                0 => short(high),
                r if r == ROWS - 1 => short(low),
                _ => String::new(),
            };
            let line: String = line.iter().collect();
            out += format!("{label:>8} |{line}").trim_end();
            out.push('\n');
        }
        let last = epochs.to_string();
        let gap = columns.saturating_sub(last.len() + 1).max(1);
        let ends = if epochs > 1 { format!("1{}{last}", " ".repeat(gap)) } else { "1".to_owned() };
        let unit = if epochs > 1 { "epochs" } else { "epoch" };
        write!(out, "{:>8} +{}\n{:>8}  {ends} {unit}\n", "", "-".repeat(columns), "")
            .expect("invariant: a string takes it");
        out
    }
}

/// A number in few characters.
fn short(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

/// Width of a drawing, height of a panel, and the margins around its axes, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 36.0;
/// Lines of the grid above the lowest.
const TICKS: usize = 4;

/// Height above the first panel: a title and a line below it.
const HEAD: f64 = 48.0;

/// Panels one below the other, under a title and what it is about.
pub fn svg(title: &str, subtitle: &str, panels: &[Panel]) -> String {
    let panels: Vec<&Panel> = panels.iter().filter(|p| p.epochs() > 0).collect();
    let height = HEAD + HEIGHT * panels.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n\
         <text x=\"{LEFT}\" y=\"40\" fill=\"#555\">{}</text>\n",
        escaped(title),
        escaped(subtitle)
    );
    for (i, panel) in panels.iter().enumerate() {
        draw(&mut out, panel, HEAD + HEIGHT * i as f64);
    }
    out + "</svg>\n"
}

fn draw(out: &mut String, panel: &Panel, y0: f64) {
    let mut line = |args: std::fmt::Arguments<'_>| writeln!(out, "{args}").expect("invariant: a string takes it");
    let (low, high) = panel.range();
    let epochs = panel.epochs();
    let (top, bottom) = (y0 + TOP, y0 + HEIGHT - BOTTOM);
    let x = |i: usize| LEFT + (WIDTH - LEFT - RIGHT) * if epochs > 1 { i as f64 / (epochs - 1) as f64 } else { 0.5 };
    let y = |v: f64| bottom - (bottom - top) * (v - low) / (high - low);
    line(format_args!("<text x=\"{LEFT}\" y=\"{:.1}\">{}</text>", y0 + 16.0, escaped(panel.title)));
    for tick in 0..=TICKS {
        let value = low + (high - low) * tick as f64 / TICKS as f64;
        line(format_args!(
            "<path d=\"M{LEFT} {0:.1}H{1:.1}\" stroke=\"#ddd\"/><text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            y(value),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0,
            short(value)
        ));
    }
    let label = bottom + 18.0;
    line(format_args!("<text x=\"{:.1}\" y=\"{label:.1}\" text-anchor=\"middle\">1</text>", x(0)));
    if epochs > 1 {
        let end = x(epochs - 1);
        line(format_args!("<text x=\"{end:.1}\" y=\"{label:.1}\" text-anchor=\"end\">epoch {epochs}</text>"));
    }
    for (k, series) in panel.shown() {
        let points: Vec<String> =
            series.values.iter().enumerate().map(|(i, v)| format!("{:.1},{:.1}", x(i), y(*v))).collect();
        let colour = COLOURS[k];
        line(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            points.join(" ")
        ));
        for point in points.iter().filter(|_| points.len() <= COLUMNS) {
            let (cx, cy) = point.split_once(',').unwrap_or_default();
            line(format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"2.5\" fill=\"{colour}\"/>"));
        }
        let key = WIDTH - RIGHT - 110.0 * (panel.series.len() - k) as f64;
        line(format_args!(
            "<path d=\"M{key:.1} {0:.1}h18\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{1:.1}\" y=\"{2:.1}\">{3}</text>",
            y0 + 12.0,
            key + 24.0,
            y0 + 16.0,
            escaped(series.name)
        ));
    }
}

fn escaped(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(train: &[f64], valid: &[f64]) -> Panel {
        let series = |name, values: &[f64]| Series { name, values: values.to_vec() };
        Panel { title: "accuracy, %", series: vec![series("training", train), series("validation", valid)] }
    }

    #[test]
    fn a_plot_for_a_terminal() {
        let text = panel(&[10.0, 50.0, 90.0], &[20.0, 50.0, 80.0]).text();
        let expected = "accuracy, %: * training, o validation
    90.0 |  *
         |  o
         |
         |
         |
         | #
         |
         |
         |o
    10.0 |*
         +---
          1 3 epochs
";
        assert_eq!(text, expected);
    }

    #[test]
    fn few_and_many_epochs() {
        assert_eq!(panel(&[], &[]).text(), "");
        let one = panel(&[5.0], &[]).text();
        assert!(one.contains(" |*") && one.ends_with(" 1 epoch\n"), "{one}");
        let many: Vec<f64> = (0..600).map(f64::from).collect();
        let text = panel(&many, &[]).text();
        assert!(text.lines().all(|l| l.len() <= 80), "{text}");
        assert!(text.contains("600 epochs"));
    }

    #[test]
    fn a_drawing_has_a_line_per_series() {
        let text = svg("a < b", "c & d", &[panel(&[1.0, 2.0], &[]), panel(&[], &[]), panel(&[1.0], &[2.0])]);
        assert_eq!(text.matches("<polyline").count(), 3);
        assert!(text.contains("a &lt; b") && text.contains("c &amp; d") && text.ends_with("</svg>\n"));
        assert!(!text.contains("NaN"));
    }
}
