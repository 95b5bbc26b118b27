//! `nasbench201`: accuracies of the NAS-Bench-201 table (Dong and Yang, 2020).

use crate::cell201::Cells201;
use crate::error::EvaluateError;
use crate::evaluator::{Candidate, Evaluation, Evaluator, Fidelities, Metric, Query, Standing, Values};
use crate::ranking::Ranking;
use crate::table::{self, Accuracy, ArchId, Column, Dataset, Epochs, Nasbench201, Split, Trial};
use mutators::{Options, Space};
use smallvec::smallvec;
use std::sync::OnceLock;

/// The datasets on which an architecture is reported.
const REPORTED: [Dataset; 3] = [Dataset::Cifar10, Dataset::Cifar100, Dataset::ImageNet16];

/// Which of the trainings of 200 epochs a search sees. The one training of 12 epochs goes by [`Training::Mean`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Training {
    /// The benchmark's mean over its trainings: at 200 epochs an oracle.
    #[default]
    Mean,
    /// A certain one; an architecture without it cannot be scored.
    Trial(Trial),
    /// One of those there are, drawn for each query: the same architecture scores differently the next time.
    Random,
}

impl Training {
    const NAMES: [&str; 5] = ["mean", "0", "1", "2", "random"];

    fn name(self) -> &'static str {
        match self {
            Self::Mean | Self::Trial(Trial::Mean) => "mean",
            Self::Trial(Trial::T0) => "0",
            Self::Trial(Trial::T1) => "1",
            Self::Trial(Trial::T2) => "2",
            Self::Random => "random",
        }
    }

    fn of_name(name: &str) -> Self {
        match name {
            "0" => Self::Trial(Trial::T0),
            "1" => Self::Trial(Trial::T1),
            "2" => Self::Trial(Trial::T2),
            "random" => Self::Random,
            _ => Self::Mean,
        }
    }
}

/// What a [`Nasbench201Evaluator`] looks up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nasbench201Options {
    /// Whose validation accuracy a search sees.
    pub dataset: Dataset,
    /// After how many epochs. With 200, queries may also ask for 12.
    pub epochs: Epochs,
    /// In which training.
    pub training: Training,
    /// After how many epochs the test accuracies are reported.
    pub report: Epochs,
}

impl Default for Nasbench201Options {
    fn default() -> Self {
        Self { dataset: Dataset::Cifar10, epochs: Epochs::E12, training: Training::Mean, report: Epochs::E200 }
    }
}

impl Nasbench201Options {
    pub(crate) const HELP: &str = "dataset=cifar10|cifar100|imagenet16-120, epochs=12|200, \
                                   trial=mean|0|1|2|random, report=200|12";

    fn is_mean(self) -> bool {
        matches!(self.training, Training::Mean | Training::Trial(Trial::Mean))
    }

    fn read(mut options: Options) -> Result<Self, EvaluateError> {
        let dataset = options.take_one("dataset", "cifar10", &REPORTED.map(Dataset::name))?;
        let epochs = options.take_one("epochs", "12", &["12", "200"])?;
        let trial = options.take_one("trial", "mean", &Training::NAMES)?;
        let report = options.take_one("report", "200", &["12", "200"])?;
        if epochs == "12" && trial != "mean" {
            let reason = "is not there: 12 epochs were trained once; leave it out, or use epochs=200";
            return Err(options.refuse("trial", trial, reason).into());
        }
        options.finish()?;
        Ok(Self {
            dataset: dataset.parse()?,
            epochs: epochs.parse()?,
            training: Training::of_name(trial),
            report: report.parse()?,
        })
    }
}

/// Where a score comes from.
#[derive(Debug)]
enum Source {
    Column(table::Values<'static>),
    AnyOf([table::Values<'static>; 3]),
}

/// One length of training.
#[derive(Debug)]
struct Level {
    epochs: Epochs,
    source: Source,
    /// Part of the table's training time that it is taken to need.
    share: f64,
}

/// Validation accuracy of an architecture; test accuracy on all three datasets as the report, the searched one's first.
///
/// ```
/// use evaluators::{Candidate, Evaluator, Nasbench201Evaluator, Nasbench201Options, Query};
///
/// let evaluator = Nasbench201Evaluator::new(Nasbench201Options::default())?;
/// let space = mutators::spaces::build("nasbench201")?;
/// let all_3x3 = space.bind(
///     &"e01=nor_conv_3x3,e02=nor_conv_3x3,e12=nor_conv_3x3,e03=nor_conv_3x3,e13=nor_conv_3x3,e23=nor_conv_3x3".parse()?,
/// )?;
/// let candidate = Candidate::new(&space, &all_3x3, Query::default());
/// assert!(evaluator.evaluate(&candidate)?.values[0] > 50.0);
/// assert_eq!(evaluator.standing(&candidate)?.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Nasbench201Evaluator {
    options: Nasbench201Options,
    identity: String,
    table: &'static Nasbench201,
    cells: Cells201,
    search: [Metric; 1],
    /// By epochs, ascending; the last is the evaluator's own.
    levels: Vec<Level>,
    /// Seconds of 200 epochs.
    seconds: table::Values<'static>,
    report: [Metric; 3],
    test: [table::Values<'static>; 3],
    rankings: OnceLock<[Ranking; 3]>,
}

impl Nasbench201Evaluator {
    /// Looks the columns up.
    ///
    /// # Errors
    /// If the table cannot be loaded or has no such column.
    pub fn new(options: Nasbench201Options) -> Result<Self, EvaluateError> {
        let table = Nasbench201::embedded()?;
        let Nasbench201Options { dataset, epochs, training, report } = options;
        let column =
            |dataset, epochs, split, trial| table.column(Column::Accuracy(Accuracy { dataset, epochs, split, trial }));
        let valid = |epochs, trial| column(dataset, epochs, Split::Valid, trial);
        let mut levels = Vec::new();
        if epochs == Epochs::E200 {
            levels.push(Level {
                epochs: Epochs::E12,
                source: Source::Column(valid(Epochs::E12, Trial::Mean)?),
                share: share(Epochs::E12),
            });
        }
        let source = match training {
            Training::Mean => Source::Column(valid(epochs, Trial::Mean)?),
            Training::Trial(trial) => Source::Column(valid(epochs, trial)?),
            Training::Random => {
                Source::AnyOf([valid(epochs, Trial::T0)?, valid(epochs, Trial::T1)?, valid(epochs, Trial::T2)?])
            }
        };
        levels.push(Level { epochs, source, share: share(epochs) });
        let reported = reported(dataset);
        let test = |dataset| column(dataset, report, Split::Test, Trial::Mean);
        Ok(Self {
            identity: format!(
                "nasbench201:dataset={dataset},epochs={epochs},trial={},report={report}",
                training.name()
            ),
            table,
            cells: Cells201::new(table),
            search: [Metric::maximize(metric_name(dataset, "validation", epochs), "%")],
            levels,
            seconds: table.column(Column::TrainSeconds(dataset))?,
            report: reported.map(|d| Metric::maximize(metric_name(d, "test", report), "%")),
            test: [test(reported[0])?, test(reported[1])?, test(reported[2])?],
            rankings: OnceLock::new(),
            options,
        })
    }

    /// From the options of a command line.
    pub(crate) fn build(options: Options) -> Result<Self, EvaluateError> {
        Self::new(Nasbench201Options::read(options)?)
    }

    /// The table's index of a candidate.
    ///
    /// # Errors
    /// If it is none of the table's.
    pub fn arch(&self, candidate: &Candidate<'_>) -> Result<ArchId, EvaluateError> {
        self.cells.find(&self.identity, candidate)
    }

    fn level(&self, query: Query) -> Option<&Level> {
        match query.fidelity {
            None => self.levels.last(),
            Some(epochs) => self.levels.iter().find(|l| l.epochs.count() == epochs),
        }
    }

    #[cold]
    fn no_level(&self, query: Query) -> EvaluateError {
        let known: Vec<&str> = self.levels.iter().map(|l| l.epochs.name()).collect();
        EvaluateError::Fidelity {
            evaluator: self.identity.clone(),
            epochs: query.fidelity.unwrap_or_default(),
            known: known.join(" and "),
        }
    }

    #[cold]
    fn absent(&self, arch: ArchId) -> EvaluateError {
        let Nasbench201Options { dataset, epochs, training, .. } = self.options;
        EvaluateError::Absent {
            evaluator: "nasbench201".to_owned(),
            what: format!(
                "{dataset} validation accuracy of architecture {arch} at {epochs} epochs in trial {}, which was not run; \
                 use trial=random to have one of those that were",
                training.name()
            ),
        }
    }
}

/// The datasets of the report: the searched one, then the others in their order.
fn reported(searched: Dataset) -> [Dataset; 3] {
    let mut all = REPORTED;
    // Of `false` and `true` the first is less, and equals keep their order.
    all.sort_by_key(|d| *d != searched);
    all
}

/// Part of the time of 200 epochs.
fn share(epochs: Epochs) -> f64 {
    f64::from(epochs.count()) / 200.0
}

fn metric_name(dataset: Dataset, split: &str, epochs: Epochs) -> String {
    format!("{dataset} {split} accuracy, {epochs} epochs")
}

/// A number below `n` that depends on the study's seed and the query's number alone (SplitMix64's finaliser, twice).
fn draw(query: Query, n: usize) -> usize {
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let hash = mix(mix(query.seed) ^ query.number) >> 32;
    ((hash * n as u64) >> 32) as usize
}

impl Source {
    #[inline]
    fn get(&self, arch: ArchId, query: Query) -> Option<f64> {
        match self {
            Self::Column(values) => values.get(arch),
            Self::AnyOf(trials) => {
                let mut run = [0.0; 3];
                let mut n = 0;
                for value in trials.iter().filter_map(|t| t.get(arch)) {
                    run[n] = value;
                    n += 1;
                }
                run[..n].get(draw(query, n)).copied()
            }
        }
    }
}

impl Evaluator for Nasbench201Evaluator {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn search_metrics(&self) -> &[Metric] {
        &self.search
    }

    fn evaluate(&self, candidate: &Candidate<'_>) -> Result<Evaluation, EvaluateError> {
        let arch = self.arch(candidate)?;
        let level = self.level(candidate.query).ok_or_else(|| self.no_level(candidate.query))?;
        let value = level.source.get(arch, candidate.query).ok_or_else(|| self.absent(arch))?;
        let seconds = self.seconds.get(arch).unwrap_or_default() * level.share;
        Ok(Evaluation { values: smallvec![value], seconds })
    }

    fn report_metrics(&self) -> &[Metric] {
        &self.report
    }

    fn report(&self, candidate: &Candidate<'_>) -> Result<Values, EvaluateError> {
        let arch = self.arch(candidate)?;
        self.test.iter().map(|column| column.get(arch).ok_or_else(|| self.absent(arch))).collect()
    }

    fn standing(&self, candidate: &Candidate<'_>) -> Result<Vec<Standing>, EvaluateError> {
        let rankings = self.rankings.get_or_init(|| {
            [0, 1, 2].map(|i| Ranking::new(&self.report[i], self.test[i].iter().map(|(_, accuracy)| accuracy)))
        });
        let accuracies = self.report(candidate)?;
        Ok(rankings.iter().zip(accuracies).map(|(ranking, accuracy)| ranking.standing(accuracy)).collect())
    }

    fn fidelities(&self) -> Fidelities {
        match self.levels.as_slice() {
            [_] => Fidelities::Single,
            levels => Fidelities::SeparateRuns(levels.iter().map(|l| l.epochs.count()).collect()),
        }
    }

    fn caveats(&self) -> Vec<String> {
        let Nasbench201Options { dataset, epochs, training, report } = self.options;
        let mut caveats = Vec::new();
        if epochs == Epochs::E200 && self.options.is_mean() {
            caveats.push(
                "oracle: the search sees the mean over up to three trainings of 200 epochs, and is charged for one"
                    .to_owned(),
            );
        }
        if epochs == Epochs::E200 && report == Epochs::E200 && self.options.is_mean() {
            caveats.push(
                "the validation mean is of release v1.1, the reported test mean of NATS-tss v1.0: two vintages"
                    .to_owned(),
            );
        }
        if let Training::Trial(trial @ (Trial::T0 | Trial::T1 | Trial::T2)) = training {
            let column = Column::Accuracy(Accuracy { dataset, epochs, split: Split::Valid, trial });
            let there = self.table.column(column).map_or(0, |c| c.iter().count());
            let missing = table::ARCHITECTURES - there;
            if missing > 0 {
                caveats.push(format!(
                    "{missing} of {} architectures lack trial {}: their trials fail",
                    table::ARCHITECTURES,
                    training.name()
                ));
            }
        }
        caveats.push(match dataset {
            Dataset::Cifar10 | Dataset::Cifar10Valid => {
                "validation is of networks trained on half of CIFAR-10's training images, test of networks trained on \
                 all of them"
                    .to_owned()
            }
            Dataset::Cifar100 => "validation images are a half of CIFAR-100's original test images".to_owned(),
            Dataset::ImageNet16 => {
                "validation images are a half of ImageNet16-120's original validation images".to_owned()
            }
        });
        if epochs == Epochs::E12 || self.levels.len() > 1 {
            caveats.push(
                "simulated seconds of 12 epochs are 12/200 of the time of 200: the table has no 12-epoch time"
                    .to_owned(),
            );
        }
        caveats.push(match report {
            Epochs::E12 => "reported test accuracy is of the one training of 12 epochs".to_owned(),
            Epochs::E200 => {
                "reported test accuracy is the benchmark's mean over its trainings of 200 epochs".to_owned()
            }
        });
        caveats
    }

    fn accepts(&self, space: &Space) -> Result<(), EvaluateError> {
        self.cells.accepts(&self.identity, space)
    }
}

#[cfg(test)]
mod tests;
