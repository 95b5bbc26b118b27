//! Which column of the table answers which question.

use std::fmt;

use super::super::TableError;
use super::super::names::named;

named! {
    /// What a network was trained for. CIFAR-10 was used in two ways, so it has two names.
    "dataset" Dataset {
        /// CIFAR-10: validation is that of [`Cifar10Valid`](Self::Cifar10Valid), a network
        /// trained on 25,000 images; test is of one trained on all 50,000.
        Cifar10 = "cifar10",
        /// CIFAR-10's training set halved: trained on one half, validated on the other.
        Cifar10Valid = "cifar10-valid",
        /// CIFAR-100. Validation images are a half of the original test images.
        Cifar100 = "cifar100",
        /// ImageNet16-120: 120 classes, 16x16. Validation images are a half of the original ones.
        ImageNet16 = "imagenet16-120",
    }
}

impl Dataset {
    /// How the column names begin.
    const fn prefix(self) -> &'static str {
        match self {
            Dataset::Cifar10 | Dataset::Cifar10Valid => "c10",
            Dataset::Cifar100 => "c100",
            Dataset::ImageNet16 => "in16",
        }
    }
}

named! {
    /// Length of the training. The two are separate runs with their own learning-rate schedules,
    /// not points of one curve.
    "number of epochs" Epochs {
        /// 12 epochs: one run.
        E12 = "12",
        /// 200 epochs: up to three trials.
        E200 = "200",
    }
}

impl Epochs {
    /// The number.
    pub const fn count(self) -> u32 {
        match self {
            Epochs::E12 => 12,
            Epochs::E200 => 200,
        }
    }
}

named! {
    /// Images that the accuracy was taken on.
    "split" Split {
        /// Held-out images, for searching.
        Valid = "valid",
        /// Test images, for reporting.
        Test = "test",
    }
}

named! {
    /// Which of the trainings, which differ in their random seed.
    "trial" Trial {
        /// The benchmark's own mean over its trials. A searcher couldn't see it: an oracle.
        Mean = "mean",
        /// The first.
        T0 = "t0",
        /// The second; the table may lack it.
        T1 = "t1",
        /// The third; the table may lack it.
        T2 = "t2",
    }
}

named! {
    /// Part of the data in release v1.1.
    "part" Part {
        /// Images trained on.
        Train = "train",
        /// Validation images.
        Valid = "valid",
        /// Test images.
        Test = "test",
    }
}

/// Which accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accuracy {
    /// Of a network trained on this.
    pub dataset: Dataset,
    /// For this long.
    pub epochs: Epochs,
    /// On these images.
    pub split: Split,
    /// In this training, or on average.
    pub trial: Trial,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Accuracy { dataset, epochs, split, trial } = self;
        write!(f, "accuracy of dataset={dataset},epochs={epochs},split={split},trial={trial}")
    }
}

/// A question to the table. The table in the [module's docs](crate::table::Nasbench201) says
/// which column of the file answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// Accuracy in percent, after the column rules.
    Accuracy(Accuracy),
    /// Mean accuracy in percent after 200 epochs, as release v1.1 has it; its vintage differs
    /// from that of the test accuracies above.
    V11(Dataset, Part),
    /// Simulated seconds of a training of 200 epochs.
    TrainSeconds(Dataset),
    /// The benchmark's own latency of a batch, in seconds.
    LatencySeconds(Dataset),
    /// Parameters in millions.
    ParamsM(Dataset),
    /// FLOPs (multiply-accumulates) in millions, convention `nasbench`.
    FlopsM(Dataset),
    /// 1 where one trial's recorded params are wrong upstream, else 0. Its accuracy is sound.
    TrialParamsMismatch,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Accuracy(accuracy) => accuracy.fmt(f),
            Column::V11(dataset, part) => write!(f, "v1.1 {part} accuracy of {dataset}"),
            Column::TrainSeconds(dataset) => write!(f, "training seconds of {dataset}"),
            Column::LatencySeconds(dataset) => write!(f, "latency of {dataset}"),
            Column::ParamsM(dataset) => write!(f, "params of {dataset}"),
            Column::FlopsM(dataset) => write!(f, "FLOPs of {dataset}"),
            Column::TrialParamsMismatch => f.write_str("mark of wrong params"),
        }
    }
}

impl Column {
    /// Name in the file of the column that answers.
    ///
    /// # Errors
    /// [`TableError::NoColumn`] when the benchmark (or what is public of it) has no such number.
    pub fn header(self) -> Result<String, TableError> {
        let none =
            |remedy| Err(TableError::NoColumn { table: super::NASBENCH201.name, wanted: self.to_string(), remedy });
        Ok(match self {
            Column::Accuracy(accuracy) => match accuracy_header(accuracy) {
                Ok(header) => header,
                Err(remedy) => return none(remedy),
            },
            Column::V11(Dataset::Cifar10, _) => return none("use dataset=cifar10-valid"),
            Column::V11(Dataset::Cifar10Valid, part) => {
                format!("c10valid_{}_acc_v11", part.short())
            }
            Column::V11(dataset, part) => format!("{}_{}_acc_v11", dataset.prefix(), part.short()),
            Column::TrainSeconds(dataset) => format!("{}_train_time_s", dataset.prefix()),
            Column::LatencySeconds(dataset) => format!("{}_latency_s", dataset.prefix()),
            Column::ParamsM(dataset) => format!("{}_params_m", dataset.prefix()),
            Column::FlopsM(dataset) => format!("{}_flops_m", dataset.prefix()),
            Column::TrialParamsMismatch => "trial_params_mismatch".to_owned(),
        })
    }
}

impl Part {
    /// As the column names spell it.
    const fn short(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Valid => "val",
            Part::Test => "test",
        }
    }
}

/// Column of an accuracy, or what to ask for instead.
fn accuracy_header(accuracy: Accuracy) -> Result<String, &'static str> {
    let Accuracy { dataset, epochs, split, trial } = accuracy;
    let prefix = dataset.prefix();
    match (epochs, split, trial) {
        (Epochs::E12, _, Trial::T0 | Trial::T1 | Trial::T2) => Err("12 epochs were run once; use trial=mean"),
        (Epochs::E12, Split::Test, _) if dataset == Dataset::Cifar10Valid => {
            Err("use dataset=cifar10 for the network trained on all images, or epochs=200")
        }
        (Epochs::E12, Split::Valid, Trial::Mean) => Ok(format!("{prefix}_val_acc_12e")),
        (Epochs::E12, Split::Test, Trial::Mean) => Ok(format!("{prefix}_test_acc_12e")),
        (Epochs::E200, Split::Valid, Trial::Mean) => Ok(match dataset {
            Dataset::Cifar10 | Dataset::Cifar10Valid => "c10valid_val_acc_v11".to_owned(),
            Dataset::Cifar100 | Dataset::ImageNet16 => format!("{prefix}_val_acc_v11"),
        }),
        (Epochs::E200, Split::Test, Trial::Mean) => Ok(match dataset {
            Dataset::Cifar10Valid => "c10valid_test_acc_v11".to_owned(),
            _ => format!("{prefix}_test_acc"),
        }),
        (Epochs::E200, Split::Valid, _) => Ok(format!("{prefix}_val_acc_{trial}")),
        (Epochs::E200, Split::Test, _) if dataset == Dataset::Cifar10 => Ok(format!("c10_test_acc_{trial}")),
        (Epochs::E200, Split::Test, _) => {
            Err("test accuracy of single trials is there for dataset=cifar10 only; use trial=mean")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_unknown_ones_get_help() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name().parse::<Dataset>().ok(), Some(*dataset));
        }
        assert_eq!("12".parse::<Epochs>().map(Epochs::count).ok(), Some(12));
        let error = "cifar-10".parse::<Dataset>().expect_err("unknown").to_string();
        assert_eq!(
            error,
            "unknown dataset `cifar-10`, did you mean `cifar10`?; known: cifar10, cifar10-valid, cifar100, imagenet16-120"
        );
        let error = "t7".parse::<Trial>().expect_err("unknown").to_string();
        assert!(error.contains("unknown trial `t7`, did you mean `t0`?"), "{error}");
        let error = "epoch".parse::<Split>().expect_err("unknown").to_string();
        assert_eq!(error, "unknown split `epoch`; known: valid, test");
    }

    #[test]
    fn questions_without_an_answer_say_what_to_ask() {
        let ask = |dataset, epochs, split, trial| {
            Column::Accuracy(Accuracy { dataset, epochs, split, trial })
                .header()
                .expect_err("no such column")
                .to_string()
        };
        assert_eq!(
            ask(Dataset::Cifar100, Epochs::E200, Split::Test, Trial::T1),
            "table `nasbench201` has no accuracy of dataset=cifar100,epochs=200,split=test,trial=t1: \
             test accuracy of single trials is there for dataset=cifar10 only; use trial=mean"
        );
        assert!(ask(Dataset::Cifar10, Epochs::E12, Split::Valid, Trial::T0).contains("use trial=mean"));
        assert!(ask(Dataset::Cifar10Valid, Epochs::E12, Split::Test, Trial::Mean).contains("epochs=200"));
        let error = Column::V11(Dataset::Cifar10, Part::Test).header().expect_err("no such column");
        assert!(error.to_string().ends_with("use dataset=cifar10-valid"), "{error}");
    }
}
