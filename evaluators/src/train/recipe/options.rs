//! Recipes as text.

use super::{Algorithm, Annealing, Cadence, DropPath, Precision, Preset, Recipe};
use mutators::{OptionError, Options};
use std::fmt;

/// One of some words, as one of the words' own type.
macro_rules! word {
    ($options:expr, $key:literal, $default:expr, $kind:ty) => {{
        let word = $options.take_one($key, $default.as_str(), <$kind>::WORDS)?;
        <$kind>::from_word(word).expect("invariant: one of the words")
    }};
}

impl Recipe {
    /// Its settings with the defaults, as the lists show them. The seed is left to whoever runs it.
    pub const HELP: &str = crate::with_torch::SETTINGS;

    /// Takes a recipe's settings from a component's options; what is not given is the preset's.
    ///
    /// # Errors
    /// If a value cannot be read or does not fit.
    pub fn take(options: &mut Options) -> Result<Self, OptionError> {
        Self::take_with(options, |_| {})
    }

    /// The same, where the preset is adjusted before the options are read.
    ///
    /// # Errors
    /// As [`Recipe::take`].
    pub fn take_with(options: &mut Options, adjust: impl FnOnce(&mut Self)) -> Result<Self, OptionError> {
        let mut r = Self::preset(word!(options, "recipe", Preset::Plain, Preset));
        adjust(&mut r);
        let recipe = Self {
            preset: r.preset,
            epochs: options.take_in("epochs", r.epochs, 1, 100_000)?,
            batch: options.take_in("batch", r.batch, 1, 1_000_000)?,
            optimizer: word!(options, "optimizer", r.optimizer, Algorithm),
            momentum: options.take_in("momentum", r.momentum, 0.0, 0.999_999)?,
            nesterov: options.take("nesterov", r.nesterov)?,
            beta2: options.take_in("beta2", r.beta2, 0.0, 0.999_999_9)?,
            lr: options.take_in("lr", r.lr, 0.0, 1e6)?,
            min_lr: options.take_in("min_lr", r.min_lr, 0.0, 1e6)?,
            weight_decay: options.take_in("weight_decay", r.weight_decay, 0.0, 1e6)?,
            schedule: word!(options, "schedule", r.schedule, Annealing),
            milestones: milestones(options, &r.milestones)?,
            gamma: options.take_in("gamma", r.gamma, 0.0, 1.0)?,
            anneal: word!(options, "anneal", r.anneal, Cadence),
            clip: options.take_in("clip", r.clip, 0.0, 1e9)?,
            label_smoothing: options.take_in("label_smoothing", r.label_smoothing, 0.0, 1.0)?,
            crop: options.take_in("crop", r.crop, 0, 1_024)?,
            flip: options.take("flip", r.flip)?,
            cutout: options.take_in("cutout", r.cutout, 0, 4_096)?,
            auxiliary: options.take_in("auxiliary", r.auxiliary, 0.0, 1e3)?,
            drop_path: word!(options, "drop_path", r.drop_path, DropPath),
            ema: options.take_in("ema", r.ema, 0.0, 0.999_999_9)?,
            valid: share(options, r.valid)?,
            valid_seed: options.take("valid_seed", r.valid_seed)?,
            images: count(options, "images", r.images, "all")?,
            threads: options.take_in("threads", r.threads, 1, 1_024)?,
            device: options.take("device", r.device)?,
            precision: word!(options, "precision", r.precision, Precision),
            seed: r.seed,
        };
        if recipe.nesterov && recipe.optimizer == Algorithm::Sgd && recipe.momentum == 0.0 {
            return Err(options.refuse("momentum", "0", "has no Nesterov form; add nesterov=false, or give momentum"));
        }
        if recipe.min_lr > recipe.lr {
            let reason = format!("is above lr={}; the rate falls from lr to min_lr", recipe.lr);
            return Err(options.refuse("min_lr", &recipe.min_lr.to_string(), reason));
        }
        Ok(recipe)
    }

    /// Its settings in order, but for the seed.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let valid = if self.valid == 0 { "none".to_owned() } else { format!("1/{}", self.valid) };
        let images = if self.images == 0 { "all".to_owned() } else { self.images.to_string() };
        let milestones: Vec<String> = self.milestones.iter().map(f64::to_string).collect();
        vec![
            ("recipe", self.preset.to_string()),
            ("epochs", self.epochs.to_string()),
            ("batch", self.batch.to_string()),
            ("optimizer", self.optimizer.to_string()),
            ("momentum", self.momentum.to_string()),
            ("nesterov", self.nesterov.to_string()),
            ("beta2", self.beta2.to_string()),
            ("lr", self.lr.to_string()),
            ("min_lr", self.min_lr.to_string()),
            ("weight_decay", self.weight_decay.to_string()),
            ("schedule", self.schedule.to_string()),
            ("milestones", milestones.join(":")),
            ("gamma", self.gamma.to_string()),
            ("anneal", self.anneal.to_string()),
            ("clip", self.clip.to_string()),
            ("label_smoothing", self.label_smoothing.to_string()),
            ("crop", self.crop.to_string()),
            ("flip", self.flip.to_string()),
            ("cutout", self.cutout.to_string()),
            ("auxiliary", self.auxiliary.to_string()),
            ("drop_path", self.drop_path.to_string()),
            ("ema", self.ema.to_string()),
            ("valid", valid),
            ("valid_seed", self.valid_seed.to_string()),
            ("images", images),
            ("threads", self.threads.to_string()),
            ("device", self.device.to_string()),
            ("precision", self.precision.to_string()),
        ]
    }
}

impl fmt::Display for Recipe {
    /// `recipe=plain,epochs=10,..`, every setting but the seed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.settings().into_iter().enumerate() {
            write!(f, "{}{key}={value}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A number, or a word for 0.
fn count(options: &mut Options, key: &'static str, default: usize, word: &str) -> Result<usize, OptionError> {
    match options.take_opt::<String>(key)? {
        None => Ok(default),
        Some(text) if text == word => Ok(0),
        Some(text) => match text.parse() {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(options.refuse(key, &text, format!("is neither `{word}` nor a number, at least 1"))),
        },
    }
}

/// `1/N` or `none`.
fn share(options: &mut Options, default: usize) -> Result<usize, OptionError> {
    let Some(text) = options.take_opt::<String>("valid")? else { return Ok(default) };
    let parts = text.strip_prefix("1/").and_then(|n| n.parse().ok());
    match parts {
        _ if text == "none" => Ok(0),
        Some(n) if (2..=1_000).contains(&n) => Ok(n),
        _ => Err(options.refuse("valid", &text, "is neither `none` nor a share, `1/N` with N in 2..=1000")),
    }
}

/// Shares of the run, ascending, joined by colons.
fn milestones(options: &mut Options, default: &[f64]) -> Result<Vec<f64>, OptionError> {
    let Some(text) = options.take_opt::<String>("milestones")? else { return Ok(default.to_vec()) };
    let all: Option<Vec<f64>> = text.split(':').map(|m| m.parse().ok()).collect();
    match all {
        Some(all) if all.iter().all(|m| (0.0..=1.0).contains(m)) && all.is_sorted() => Ok(all),
        _ => Err(options.refuse("milestones", &text, "is no list of shares of the run; write 0.5:0.75, ascending")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Recipe, String> {
        let mut options: Options = text.parse().map_err(|e: OptionError| e.to_string())?;
        let recipe = Recipe::take(&mut options).map_err(|e| e.to_string())?;
        options.finish().map_err(|e| e.to_string())?;
        Ok(recipe)
    }

    #[test]
    fn text_and_back() {
        for given in
            ["", "recipe=darts", "recipe=nasbench201,epochs=12", "optimizer=adam,valid=none,images=200,lr=0.001"]
        {
            let recipe = read(&format!("train:{given}")).expect("a recipe");
            assert_eq!(read(&format!("train:{recipe}")).expect("its own text"), recipe);
        }
        let darts = read("train:recipe=darts,batch=64").expect("a recipe");
        assert_eq!((darts.batch, darts.epochs, darts.clip), (64, 600, 5.0));
    }

    #[test]
    fn the_help_names_every_setting_in_order() {
        let help: Vec<&str> = Recipe::HELP.split(", ").filter_map(|o| o.split('=').next()).collect();
        let settings: Vec<&str> = Recipe::default().settings().into_iter().map(|(key, _)| key).collect();
        assert_eq!(help, settings);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, part) in [
            ("epochs=0", "lies in 1..="),
            ("optimizer=sdg", "did you mean `sgd`?"),
            ("valid=0.5", "`1/N`"),
            ("valid=1/1", "`1/N`"),
            ("milestones=0.75:0.5", "ascending"),
            ("device=gpu", "cpu, cuda and cuda:N"),
            ("min_lr=1", "is above lr=0.05"),
            ("momentum=0", "nesterov=false"),
            ("images=0", "neither `all`"),
            ("ephocs=3", "did you mean `epochs`?"),
        ] {
            let error = read(&format!("train:{text}")).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
