//! The lines of a journal: one JSON object each, whose last key is the checksum of [`Chain`].
//!
//! * Line 1 is the header: `{"journal":"lanista","version":2,"study":{..}}`.
//! * Line i + 2 is trial i: `{"trial":i,"sample":"..","values":[..],"seconds":..,"wall":..}`, where a failed trial has
//!   `"failed":"reason"` in place of values and seconds, and one that the strategy ended has `"stopped":true` too;
//!   `parent`, `fidelity` and `"reports":[[step,value],..]` stand there only if there are any.
//! * A study that has ended has one more line: `{"end":"trials","wall":..,"incumbent":i,"report":{..}}`, where `i` is the
//!   best trial, or null.

use super::chain::Chain;
use super::{End, Record, StudyIdentity};
use crate::study::{Report, StopReason};
use crate::trial::{Outcome, Reported, Trial};
use evaluators::{Standing, Values};
use ir::Name;
use mutators::Sample;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The format that this release writes and reads.
pub(super) const VERSION: u32 = 2;
const JOURNAL: &str = "lanista";
/// What the line of a study's end begins with, and no other.
pub(super) const END: &[u8] = b"{\"end\"";

#[derive(Serialize)]
struct HeaderOut<'a> {
    journal: &'static str,
    version: u32,
    study: &'a StudyIdentity,
}

#[derive(Deserialize)]
struct Marks {
    journal: String,
    version: u32,
}

#[derive(Deserialize)]
struct HeaderIn {
    study: StudyIdentity,
}

#[derive(Serialize)]
struct TrialOut<'a> {
    trial: u64,
    sample: &'a Sample,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fidelity: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reports: Vec<(u64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [f64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "is_false")]
    stopped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'a str>,
    wall: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrialIn {
    trial: u64,
    sample: String,
    parent: Option<u64>,
    fidelity: Option<u32>,
    #[serde(default)]
    reports: Vec<(u64, f64)>,
    values: Option<Values>,
    seconds: Option<f64>,
    #[serde(default)]
    stopped: bool,
    failed: Option<String>,
    wall: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: StopReason,
    wall: f64,
    incumbent: Option<u64>,
    report: Option<ReportLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportLine {
    /// A report value may be no finite number, which JSON cannot hold: `null`.
    values: Vec<Option<f64>>,
    standings: Vec<StandingLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StandingLine {
    metric: String,
    rank: u64,
    of: u64,
    regret: f64,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A line after the header.
pub(super) enum Line {
    Trial(Record),
    End(End),
}

/// The header line, and what the next line goes on from.
pub(super) fn header(study: &StudyIdentity) -> serde_json::Result<(Vec<u8>, Chain)> {
    let mut line = serde_json::to_vec(&HeaderOut { journal: JOURNAL, version: VERSION, study })?;
    let chain = Chain::default().seal(&mut line);
    Ok((line, chain))
}

/// The study of a header line and what the next line goes on from, or what is wrong with the line.
pub(super) fn read_header(line: &[u8]) -> Result<(StudyIdentity, Chain), String> {
    let marks: Marks = serde_json::from_slice(line)
        .ok()
        .filter(|m: &Marks| m.journal == JOURNAL)
        .ok_or("this file is no journal of Lanista; name a file that `lanista search --journal` wrote")?;
    if marks.version != VERSION {
        let found = marks.version;
        return Err(format!(
            "the journal has format version {found}, this release reads {VERSION}; resume it with the release that wrote it"
        ));
    }
    let (object, chain) = Chain::default()
        .check(line)
        .map_err(|e| format!("{e}; restore the journal from a copy, or start the search again with another one"))?;
    let study = serde_json::from_slice(&object)
        .map(|h: HeaderIn| h.study)
        .map_err(|e| format!("the header does not describe a study: {e}"))?;
    if let Some(seconds) = study.wall_seconds.filter(|s| !is_time(*s)) {
        return Err(format!("the header does not describe a study: {}", no_time(seconds)));
    }
    Ok((study, chain))
}

/// Whether a number of wall-clock seconds can have gone by.
fn is_time(seconds: f64) -> bool {
    Duration::try_from_secs_f64(seconds).is_ok()
}

fn no_time(seconds: f64) -> String {
    format!("{seconds:e} is no number of wall-clock seconds")
}

/// Appends a trial, without its checksum.
pub(super) fn trial(line: &mut Vec<u8>, trial: &Trial, wall: f64) -> serde_json::Result<()> {
    let (values, seconds, failed) = match &trial.outcome {
        Outcome::Done { values, seconds } | Outcome::Stopped { values, seconds } => {
            (Some(values.as_slice()), Some(*seconds), None)
        }
        Outcome::Failed { reason } => (None, None, Some(reason.as_str())),
    };
    let out = TrialOut {
        trial: trial.id.0,
        sample: &trial.sample,
        parent: trial.parent.map(|p| p.0),
        fidelity: trial.fidelity,
        reports: trial.reports.iter().map(|r| (r.step, r.value)).collect(),
        values,
        seconds,
        stopped: matches!(trial.outcome, Outcome::Stopped { .. }),
        failed,
        wall,
    };
    serde_json::to_writer(line, &out)
}

/// Appends a study's end, without its checksum.
pub(super) fn end(line: &mut Vec<u8>, end: &End) -> serde_json::Result<()> {
    let report = end.report.as_ref().map(|r| ReportLine {
        values: r.values.iter().map(|v| v.is_finite().then_some(*v)).collect(),
        standings: r
            .standings
            .iter()
            .map(|s| StandingLine { metric: s.metric.to_string(), rank: s.rank, of: s.of, regret: s.regret })
            .collect(),
    });
    let (stop, wall, incumbent) = (end.stop.clone(), end.wall, end.incumbent);
    serde_json::to_writer(line, &EndLine { end: stop, wall, incumbent, report })
}

/// Reads a line after the header, without its checksum, where trial `expected` or the end must stand; or what is wrong
/// with it.
pub(super) fn read(line: &[u8], expected: u64) -> Result<Line, String> {
    // An object starts with `{"end"` or it is a trial: the first key tells, so that its own error is the one reported.
    if line.starts_with(END) {
        let e: EndLine = serde_json::from_slice(line).map_err(|e| format!("no end of a study: {e}"))?;
        let report = e.report.map(|r| Report {
            values: r.values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
            standings: r
                .standings
                .into_iter()
                .map(|s| Standing { metric: Name::new(s.metric), rank: s.rank, of: s.of, regret: s.regret })
                .collect(),
        });
        if !is_time(e.wall) {
            return Err(no_time(e.wall));
        }
        return Ok(Line::End(End { stop: e.end, wall: e.wall, incumbent: e.incumbent, report }));
    }
    let t: TrialIn = serde_json::from_slice(line).map_err(|e| format!("no trial: {e}"))?;
    if t.trial != expected {
        return Err(format!("trial {} stands where trial {expected} is expected", t.trial));
    }
    if !is_time(t.wall) {
        return Err(no_time(t.wall));
    }
    let outcome = match (t.values, t.seconds, t.failed) {
        (Some(values), Some(seconds), None) if t.stopped => Outcome::Stopped { values, seconds },
        (Some(values), Some(seconds), None) => Outcome::Done { values, seconds },
        (None, None, Some(reason)) if !t.stopped => Outcome::Failed { reason },
        _ => return Err("a trial has values and seconds, or the reason why it failed".into()),
    };
    let (sample, parent, fidelity, wall) = (t.sample, t.parent, t.fidelity, t.wall);
    let reports = t.reports.into_iter().map(|(step, value)| Reported { step, value }).collect();
    Ok(Line::Trial(Record { sample, parent, fidelity, reports, outcome, wall }))
}
