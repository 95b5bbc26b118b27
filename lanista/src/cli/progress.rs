//! Progress on standard error: a bar on a terminal, a plain line every tenth of the way elsewhere.

use super::grid::{measured, seconds, thousands};
use super::output;
use super::visible::one_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use strategies::Progress;

/// Steps of the bar.
const STEPS: u64 = 10_000;
/// Plain lines over a whole search.
const LINES: u64 = 10;
/// Between two updates of the bar.
pub const REDRAW: Duration = Duration::from_millis(150);

/// A bar on a terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar, if standard error is a terminal.
    pub fn new() -> Option<Self> {
        std::io::stderr().is_terminal().then(|| {
            // A message that is wider than the terminal is cut, so that the bar stays on one line.
            let style = ProgressStyle::with_template("{bar:24} {wide_msg}")
                .map(|s| s.progress_chars("=> "))
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            Self(ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr_with_hz(8)).with_style(style))
        })
    }

    /// Shows a message, and which share is done.
    pub fn show(&self, message: &str, done: f64) {
        self.0.set_message(one_line(message));
        self.0.set_position((done * STEPS as f64) as u64);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Shows how far a count is that several threads make together.
pub struct Counted {
    bar: Option<Bar>,
    what: &'static str,
    told: AtomicU64,
}

impl Counted {
    /// Nothing is shown until the first call.
    pub fn new(what: &'static str) -> Self {
        Self { bar: Bar::new(), what, told: AtomicU64::new(0) }
    }

    /// Takes note that so many are done.
    pub fn tell(&self, done: u64, of: u64) {
        let message = || format!("{} of {} {}", thousands(done), thousands(of), self.what);
        match &self.bar {
            Some(bar) => {
                bar.show(&message(), done as f64 / of.max(1) as f64);
                if done == of {
                    bar.clear();
                }
            }
            None => {
                let tenth = done * LINES / of.max(1);
                if self.told.fetch_max(tenth, Ordering::Relaxed) < tenth {
                    output::note(&message());
                }
            }
        }
    }
}

/// Shows how far a download is.
#[cfg(feature = "data")]
pub struct Downloading {
    bar: Option<Bar>,
    quiet: bool,
    /// Bytes of all files.
    of: u64,
    /// Bytes of the files before the one that is under way.
    before: u64,
    file: Option<(String, u64)>,
    /// Bytes that were here when it began.
    kept: Option<u64>,
    started: Instant,
    drawn: Option<Instant>,
    told: u64,
}

#[cfg(feature = "data")]
impl Downloading {
    /// Of so many bytes in all.
    pub fn new(quiet: bool, of: u64) -> Self {
        let bar = if quiet { None } else { Bar::new() };
        let started = Instant::now();
        Self { bar, quiet, of, before: 0, file: None, kept: None, started, drawn: None, told: 0 }
    }

    /// Takes note of some bytes.
    pub fn tell(&mut self, t: &evaluators::data::Transfer<'_>) {
        if self.quiet {
            return;
        }
        if self.file.as_ref().is_none_or(|(file, _)| file != t.file) {
            self.before += self.file.replace((t.file.to_owned(), t.of)).map_or(0, |(_, bytes)| bytes);
        }
        let done = self.before + t.bytes;
        let fresh = done.saturating_sub(*self.kept.get_or_insert(done));
        let message = || {
            let elapsed = self.started.elapsed().as_secs_f64();
            let rate = fresh as f64 / elapsed.max(1e-9);
            let left = if rate > 0.0 { seconds((self.of - done) as f64 / rate) } else { "unknown time".to_owned() };
            let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
            format!("{}: {} of {} MB, {:.1} MB/s, {left} left", t.file, mb(done), mb(self.of), rate / 1e6)
        };
        match &self.bar {
            Some(bar) if self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW) => {
                bar.show(&message(), done as f64 / self.of.max(1) as f64);
                self.drawn = Some(Instant::now());
            }
            Some(_) => {}
            None => {
                let tenth = done * LINES / self.of.max(1);
                if tenth > self.told {
                    output::note(&message());
                    self.told = tenth;
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }
}

/// Shows how far a search is.
pub struct Shown {
    bar: Option<Bar>,
    unit: &'static str,
    wall_budget: Option<f64>,
    started: Instant,
    drawn: Instant,
    /// Trials of this run, without those that were read from a journal.
    fresh: u64,
    /// Tenths that have been told.
    told: u64,
    quiet: bool,
}

impl Shown {
    /// Nothing is shown until the first trial.
    pub fn new(quiet: bool, unit: &'static str, wall_budget: Option<f64>) -> Self {
        let bar = if quiet { None } else { Bar::new() };
        let now = Instant::now();
        Self { bar, unit, wall_budget, started: now, drawn: now, fresh: 0, told: 0, quiet }
    }

    /// Takes note of a trial.
    pub fn tell(&mut self, p: &Progress<'_>) {
        if self.quiet {
            return;
        }
        self.fresh += u64::from(!p.replayed);
        match &self.bar {
            Some(bar) => {
                if self.drawn.elapsed() >= REDRAW {
                    self.drawn = Instant::now();
                    let done = self.fraction(p);
                    bar.show(&self.message(p, done), done);
                }
            }
            None => {
                let done = self.fraction(p);
                let tenth = (done * LINES as f64 + 1e-9) as u64;
                // Replayed trials are told once, when the first new one is there.
                if tenth > self.told && !p.replayed {
                    self.told = tenth;
                    output::note(&self.message(p, done));
                }
            }
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.clear();
        }
    }

    /// The part of the nearest budget that is spent.
    fn fraction(&self, p: &Progress<'_>) -> f64 {
        let trials = p.trials.map_or(0.0, |n| p.told as f64 / n.max(1) as f64);
        let simulated = p.simulated_budget.map_or(0.0, |b| p.simulated_seconds / b);
        let wall = self.wall_budget.map_or(0.0, |b| p.wall_seconds / b);
        trials.max(simulated).max(wall).clamp(0.0, 1.0)
    }

    /// `trial 120 of 300, best 84.12 %, 51,000 evaluations/s, 2 s left`
    fn message(&self, p: &Progress<'_>, done: f64) -> String {
        let of = p.trials.map(|n| format!(" of {}", thousands(n))).unwrap_or_default();
        let best = p.incumbent.and_then(|t| t.value(p.objective));
        let best = match best {
            Some(v) => {
                format!("best {}{}{}", measured(v, self.unit), if self.unit.is_empty() { "" } else { " " }, self.unit)
            }
            None => "none succeeded".to_owned(),
        };
        let elapsed = self.started.elapsed().as_secs_f64();
        let rate = self.fresh as f64 / elapsed.max(1e-9);
        let rate = if rate < 10.0 { format!("{rate:.2}") } else { thousands(rate as u64) };
        let left = if done > 0.0 { seconds(elapsed * (1.0 - done) / done) } else { "unknown time".to_owned() };
        format!("trial {}{of}, {best}, {rate} evaluations/s, {left} left", thousands(p.told))
    }
}
