//! The table against the benchmark's published figures.

use super::*;
use crate::table::{Accuracy, Epochs, Part, Split, Trial};

fn table() -> &'static Nasbench201 {
    Nasbench201::embedded().expect("the embedded table")
}

fn accuracy(dataset: Dataset, epochs: Epochs, split: Split, trial: Trial) -> Column {
    Column::Accuracy(Accuracy { dataset, epochs, split, trial })
}

fn values(column: Column) -> Values<'static> {
    table().column(column).expect("a column")
}

fn arch(index: usize) -> ArchId {
    ArchId::new(index).expect("an index")
}

#[test]
fn counts_are_the_published_linear_formulas() {
    use Dataset::{Cifar10, Cifar10Valid, Cifar100, ImageNet16};
    let table = table();
    for arch in ArchId::all() {
        let ops = table.ops(arch);
        let count = |digit| ops.iter().filter(|&&op| op == digit).count() as u64;
        let (n1, n3) = (count(2), count(3));
        let params = 73_306 + 28_000 * n1 + 243_040 * n3;
        let flops = 7_783_050 + 3_932_160 * n1 + 35_389_440 * n3;
        assert_eq!((table.params(Cifar10, arch), table.flops(Cifar10, arch)), (params, flops));
        assert_eq!(table.params(Cifar10Valid, arch), params);
        assert_eq!(table.params(Cifar100, arch), params + 5_850);
        assert_eq!(table.flops(Cifar100, arch), flops + 5_850);
        assert_eq!(table.params(ImageNet16, arch), params + 7_150);
        assert_eq!(table.flops(ImageNet16, arch), 1_953_400 + 983_040 * n1 + 8_847_360 * n3);
    }
}

#[test]
fn sums_and_known_architectures() {
    let table = table();
    let params = || ArchId::all().map(|arch| table.params(Dataset::Cifar10, arch));
    assert_eq!(params().sum::<u64>(), 6_227_406_250);
    let flops = |arch| table.flops(Dataset::Cifar10, arch);
    assert_eq!(ArchId::all().map(flops).sum::<u64>(), 858_890_156_250);
    let mut distinct: Vec<u64> = params().collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 28);

    assert_eq!(table.find([3; 6]), Some(arch(1462)));
    assert_eq!(table.params(Dataset::Cifar10, arch(1462)), 1_531_546);
    assert_eq!(flops(arch(1462)), 220_119_690);
    assert_eq!(table.params(Dataset::Cifar10, arch(6111)), 1_073_466);
    assert_eq!(flops(arch(6111)), 153_272_970);
}

#[test]
fn best_test_accuracies() {
    let best = |dataset| {
        let column = accuracy(dataset, Epochs::E200, Split::Test, Trial::Mean);
        values(column).best().expect("values")
    };
    let (arch, cifar10) = best(Dataset::Cifar10);
    assert_eq!(arch.index(), 6111);
    assert!((cifar10 - 94.37).abs() < 0.01, "{cifar10}");
    assert!((best(Dataset::Cifar100).1 - 73.51).abs() < 0.01);
    assert!((best(Dataset::ImageNet16).1 - 47.31).abs() < 0.01);
    let skips = table().find([1; 6]).expect("a cell");
    let column = accuracy(Dataset::Cifar10, Epochs::E200, Split::Test, Trial::Mean);
    let all_skip = values(column).get(skips).expect("a value");
    assert!((all_skip - 54.30).abs() < 0.01, "{all_skip}");
}

#[test]
fn first_row_is_served_by_the_documented_columns() {
    use Dataset::{Cifar10, Cifar10Valid, Cifar100, ImageNet16};
    use Epochs::{E12, E200};
    use Split::{Test, Valid};
    use Trial::{Mean, T0, T1, T2};
    for (dataset, epochs, split, trial, expected) in [
        (Cifar10, E12, Valid, Mean, 63.364),
        (Cifar10, E12, Test, Mean, 69.55),
        (Cifar10, E200, Valid, Mean, 81.982667),
        (Cifar10, E200, Valid, T0, 82.092),
        (Cifar10, E200, Valid, T1, 81.616),
        (Cifar10, E200, Valid, T2, 82.24),
        (Cifar10, E200, Test, Mean, 85.863333),
        (Cifar10, E200, Test, T1, 86.18),
        (Cifar10Valid, E12, Valid, Mean, 63.364),
        (Cifar10Valid, E200, Valid, Mean, 81.982667),
        (Cifar10Valid, E200, Test, Mean, 81.52),
        (Cifar100, E12, Valid, Mean, 31.84),
        (Cifar100, E12, Test, Mean, 31.26),
        (Cifar100, E200, Valid, Mean, 52.7),
        (Cifar100, E200, Valid, T2, 53.14),
        (Cifar100, E200, Test, Mean, 52.913333),
        (ImageNet16, E12, Valid, Mean, 18.4667),
        (ImageNet16, E12, Test, Mean, 17.0),
        (ImageNet16, E200, Valid, Mean, 28.211111),
        (ImageNet16, E200, Valid, T0, 28.3333),
        (ImageNet16, E200, Test, Mean, 26.633333),
    ] {
        let column = accuracy(dataset, epochs, split, trial);
        assert_eq!(values(column).get(arch(0)), Some(expected), "{column}");
    }
    for (column, expected) in [
        (Column::TrainSeconds(Cifar10), 1444.219),
        (Column::TrainSeconds(Cifar10Valid), 1444.219),
        (Column::TrainSeconds(ImageNet16), 8763.518),
        (Column::LatencySeconds(Cifar100), 0.0131829),
        (Column::ParamsM(Cifar10), 0.129306),
        (Column::FlopsM(ImageNet16), 3.91948),
        (Column::V11(Cifar10Valid, Part::Train), 88.918667),
        (Column::V11(Cifar100, Part::Test), 52.913333),
        (Column::V11(ImageNet16, Part::Valid), 28.211111),
        (Column::TrialParamsMismatch, 0.0),
    ] {
        assert_eq!(values(column).get(arch(0)), Some(expected), "{column}");
    }
}

#[test]
fn every_answerable_question_has_its_column_and_no_column_is_lost() {
    let mut used: Vec<String> = vec!["trial_params_mismatch".to_owned()];
    for &dataset in Dataset::ALL {
        let accuracies = Epochs::ALL.iter().flat_map(|&epochs| {
            Split::ALL
                .iter()
                .flat_map(move |&split| Trial::ALL.iter().map(move |&trial| accuracy(dataset, epochs, split, trial)))
        });
        let v11 = Part::ALL.iter().map(|&part| Column::V11(dataset, part));
        let others = [
            Column::TrainSeconds(dataset),
            Column::LatencySeconds(dataset),
            Column::ParamsM(dataset),
            Column::FlopsM(dataset),
        ];
        for column in accuracies.chain(v11).chain(others) {
            if let Ok(header) = column.header() {
                table().column(column).expect("in the file");
                used.push(header);
            }
        }
    }
    used.sort();
    used.dedup();
    assert_eq!(used.len(), table().columns.len());
}

#[test]
fn missing_trials_are_none() {
    let missing = |dataset, split, trial| {
        let column = accuracy(dataset, Epochs::E200, split, trial);
        ARCHITECTURES - values(column).iter().count()
    };
    assert_eq!(missing(Dataset::Cifar10, Split::Test, Trial::T0), 0);
    assert_eq!(missing(Dataset::Cifar10, Split::Test, Trial::T1), 2_225);
    assert_eq!(missing(Dataset::Cifar10, Split::Test, Trial::T2), 7_664);
    for &dataset in Dataset::ALL {
        assert_eq!(missing(dataset, Split::Valid, Trial::T1), 0);
        assert_eq!(missing(dataset, Split::Valid, Trial::T2), 7_456);
        assert_eq!(missing(dataset, Split::Valid, Trial::Mean), 0);
    }
    let marked = values(Column::TrialParamsMismatch).iter().filter(|(_, mark)| *mark == 1.0);
    assert_eq!(marked.count(), 204);
}

#[test]
fn codes_and_indices_are_one_to_one() {
    for arch in ArchId::all() {
        assert_eq!(table().find(table().ops(arch)), Some(arch));
    }
    assert_eq!(table().find([0, 0, 0, 0, 0, 5]), None);
    assert_eq!(ArchId::new(ARCHITECTURES), None);
    assert_eq!(
        table().arch(arch(1)),
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
    );
}

#[test]
fn arch_strings_are_those_of_the_file() {
    let mut strings = Vec::new();
    NASBENCH201
        .load(|rows| {
            rows.header()?;
            while rows.advance()? {
                rows.field()?;
                strings.push(rows.field()?.to_vec());
                for _ in 2..LABELS + table().columns.len() {
                    rows.field()?;
                }
            }
            Ok(())
        })
        .expect("the embedded table");
    for arch in ArchId::all() {
        assert_eq!(table().arch(arch).as_bytes(), strings[arch.index()]);
    }
}
