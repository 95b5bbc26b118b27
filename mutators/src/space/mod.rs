//! Search spaces: a base module plus mutators.

mod bind;
mod cheapest;
mod count;
mod edit;
mod enumerate;
mod pool;

pub use cheapest::{Cheapest, Price};
pub use count::Size;
pub use edit::Neighbours;
pub use enumerate::{Cursor, MAX_REFUSED, Samples};
pub use pool::Pool;

use crate::chooser::{Asking, Chooser, Defaults, Random, Record, Replay};
use crate::draw;
use crate::error::MutateError;
use crate::mutator::Mutator;
use crate::sample::Sample;
use crate::schema::Schema;
use ir::decision::{Decision, Pick};
use ir::draw::Drawing;
use ir::{Expr, Module, Name, Value};
use rand::Rng;
use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Arc;

/// Draws of a sample before giving up on a constraint.
pub const MAX_TRIES: u32 = 10_000;

/// A rule that a sample must fulfil and that no expression states, such as "input and output are connected".
pub trait Rule: Debug + Send + Sync {
    /// What it demands, for messages.
    fn describe(&self) -> &str;
    /// Whether a sample fulfils it.
    fn admits(&self, sample: &Sample) -> bool;
}

/// The field's own notation for the points of a space: an arch string, a `Genotype(..)`, a matrix with ops.
pub trait Genotype: Debug + Send + Sync {
    /// Writes a sample in it.
    fn write(&self, sample: &Sample) -> String;
    /// Reads one as decisions and values.
    ///
    /// # Errors
    /// A text that says what is wrong and how to write it.
    fn read(&self, text: &str) -> Result<Vec<(Name, Value)>, String>;
}

/// A search space.
///
/// ```
/// use mutators::Space;
/// use rand::SeedableRng;
/// let module: ir::Module = "module @m {
///   entry @main
///   decision ?k in [1, 3, 5]
///   graph @main(%x: f32[N, 3, 8, 8]) {
///     %y = conv2d %x {out=4, k=?k, pad=?k // 2}
///     return %y
///   }
/// }".parse()?;
/// let space = Space::new(module)?;
/// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
/// let sample = space.sample(&mut rng)?;
/// let network = space.module(&sample)?;
/// assert!(network.decisions.is_empty());
/// assert_eq!(space.bind(&sample.to_string().parse()?)?, sample);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Space {
    name: Name,
    base: Module,
    mutators: Vec<Arc<dyn Mutator>>,
    rules: Vec<Arc<dyn Rule>>,
    /// What is walked instead of the decisions.
    pool: Option<Arc<dyn Pool>>,
    /// Constraints of the base and of what the mutators declare.
    constraints: Vec<Expr>,
    genotype: Option<Arc<dyn Genotype>>,
    /// The decisions, unless some mutator is dynamic.
    schema: Option<Arc<Schema>>,
    identity: Arc<str>,
}

impl Space {
    /// The space of a module's own decisions.
    ///
    /// # Errors
    /// If the module does not verify.
    pub fn new(base: Module) -> Result<Self, MutateError> {
        ir::verify(&base)?;
        let name = base.name.clone();
        let identity = name.as_str().into();
        let mut space = Self {
            name,
            base,
            mutators: Vec::new(),
            rules: Vec::new(),
            pool: None,
            constraints: Vec::new(),
            genotype: None,
            schema: None,
            identity,
        };
        space.describe()?;
        Ok(space)
    }

    /// Adds a mutator; mutators apply in the order in which they are added, and the module's decisions after them.
    ///
    /// # Errors
    /// If the mutator fails on the base module, or its decisions clash with others.
    pub fn with(mut self, mutator: Arc<dyn Mutator>) -> Result<Self, MutateError> {
        self.mutators.push(mutator);
        self.describe()?;
        Ok(self)
    }

    /// Adds a rule that every sample must fulfil.
    #[must_use]
    pub fn ruled(mut self, rule: Arc<dyn Rule>) -> Self {
        self.rules.push(rule);
        self
    }

    /// Gives it the field's notation.
    #[must_use]
    pub fn notated(mut self, genotype: Arc<dyn Genotype>) -> Self {
        self.genotype = Some(genotype);
        self
    }

    /// Says how the space was made, `darts:channels=36`, so that a study can make it again.
    #[must_use]
    pub fn identified(mut self, identity: &str) -> Self {
        self.identity = identity.into();
        self
    }

    /// Works the schema out by a dry run with defaults.
    fn describe(&mut self) -> Result<(), MutateError> {
        let mut module = self.base.clone();
        let mut extra: Vec<Decision> = Vec::new();
        let mut dynamic = false;
        for mutator in &self.mutators {
            match mutator.decisions(&module) {
                None => dynamic = true,
                Some(list) => {
                    for d in list {
                        let clash = module.decision(&d.label).or(extra.iter().find(|e| e.label == d.label));
                        match clash {
                            Some(old) if *old == d => {}
                            Some(old) => {
                                return Err(ir::DuplicateLabel { first: old.to_string(), second: d.to_string() }.into());
                            }
                            None => extra.push(d),
                        }
                    }
                }
            }
            let declared = mutator.decisions(&module).is_some();
            let mut chooser = DryRun { mutator: declared.then_some(&**mutator), module: &module, extra: &extra };
            module = mutator.mutate(&module, &mut chooser)?.rewrite(&module)?;
        }
        self.constraints.clone_from(&module.constraints);
        self.schema = (!dynamic).then(|| Arc::new(Schema::of(&self.base, &module, &extra)));
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was made: its name, with the options that differ from their defaults.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The module before any mutator.
    #[must_use]
    pub fn base(&self) -> &Module {
        &self.base
    }

    /// The mutators in order.
    #[must_use]
    pub fn mutators(&self) -> &[Arc<dyn Mutator>] {
        &self.mutators
    }

    /// The decisions, unless the space is dynamic.
    #[must_use]
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    /// The schema for something that a dynamic space cannot do.
    pub(crate) fn static_schema(&self, what: &'static str) -> Result<&Arc<Schema>, MutateError> {
        self.schema.as_ref().ok_or_else(|| {
            let dynamic = self.mutators.iter().find(|m| m.decisions(&self.base).is_none());
            let mutator = dynamic.map(|m| m.label().to_owned()).unwrap_or_default();
            MutateError::Dynamic { space: self.name.to_string(), mutator, what }
        })
    }

    /// Whether a mutator decides as it goes, so that samples are records.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.schema.is_none()
    }

    /// Whether some samples are not legal.
    #[must_use]
    pub fn is_constrained(&self) -> bool {
        !(self.constraints.is_empty() && self.rules.is_empty())
    }

    /// The first constraint or rule that a sample breaks.
    ///
    /// # Errors
    /// If it breaks one, or a constraint has no value.
    pub fn check(&self, sample: &Sample) -> Result<(), MutateError> {
        for c in &self.constraints {
            if !c.eval_bool(sample)? {
                return Err(MutateError::Illegal(format!("`{c}`")));
            }
        }
        match self.rules.iter().find(|r| !r.admits(sample)) {
            Some(r) => Err(MutateError::Illegal(format!("\"{}\"", r.describe()))),
            None => Ok(()),
        }
    }

    pub(crate) fn is_legal(&self, sample: &Sample) -> Result<bool, MutateError> {
        if !self.is_constrained() {
            return Ok(true);
        }
        match self.check(sample) {
            Ok(()) => Ok(true),
            Err(MutateError::Illegal(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Draws a legal sample: each decision by its weights, else uniformly; of a pool a member, uniformly. Where [`MAX_TRIES`]
    /// draws do not find one it is searched for, and is one of all, but not each as probable as the other.
    ///
    /// # Errors
    /// If there is none, or none is found, or a mutator fails.
    pub fn sample(&self, rng: &mut dyn Rng) -> Result<Sample, MutateError> {
        for _ in 0..MAX_TRIES {
            let sample = self.draw(rng)?;
            if self.is_legal(&sample)? {
                return Ok(sample);
            }
        }
        match if self.is_dynamic() { Cheapest::GivenUp } else { self.any_legal(rng)? } {
            Cheapest::Found(sample) => Ok(sample),
            Cheapest::Nothing | Cheapest::GivenUp => {
                Err(MutateError::NoLegalSample { space: self.name.to_string(), tries: MAX_TRIES })
            }
        }
    }

    fn draw(&self, rng: &mut dyn Rng) -> Result<Sample, MutateError> {
        if let Some(pool) = &self.pool {
            return self.draw_member(&**pool, rng);
        }
        let Some(schema) = &self.schema else {
            return self.record(&mut Random::new(rng)).map(|(sample, _)| sample);
        };
        let mut picks: Box<[Pick]> =
            schema.slots().iter().map(|s| draw::pick(rng, &s.domain, s.weights.as_deref())).collect();
        schema.settle(&mut picks, &mut |s| s.default);
        Ok(Sample::new(schema.clone(), picks))
    }

    /// The sample of all defaults; of a pool without it the first member's.
    ///
    /// # Errors
    /// If a mutator fails.
    pub fn default_sample(&self) -> Result<Sample, MutateError> {
        let Some(schema) = &self.schema else {
            return self.record(&mut Defaults).map(|(sample, _)| sample);
        };
        let mut picks: Box<[Pick]> = schema.slots().iter().map(|s| s.default).collect();
        schema.settle(&mut picks, &mut |s| s.default);
        let sample = Sample::new(schema.clone(), picks);
        match &self.pool {
            Some(pool) if pool.member(&sample).is_none() => self.of_member(&**pool, 0),
            _ => Ok(sample),
        }
    }

    /// Runs the mutators and makes the module's decisions with a chooser; returns what was chosen, and the network.
    ///
    /// # Errors
    /// If the chooser has no answer, or a mutator fails.
    pub fn record(&self, chooser: &mut dyn Chooser) -> Result<(Sample, Module), MutateError> {
        let mut record = Record::new(chooser);
        let module = self.realise(&mut record)?;
        let recorded = record.finish();
        let Some(schema) = &self.schema else { return Ok((recorded, module)) };
        // A static space's samples have its decisions in its order, whatever the order in which they were asked for.
        let mut picks: Box<[Pick]> = schema.slots().iter().map(|_| Pick::INACTIVE).collect();
        for &i in schema.guard_order() {
            if schema.is_active(i, &picks) {
                let slot = &schema.slots()[i];
                let value = match recorded.get(&slot.label) {
                    Some(value) => value,
                    // It plays a part in no node, but perhaps in a constraint.
                    None => chooser.choose(&slot.label, &slot.domain)?,
                };
                picks[i] = slot.domain.pick(&value).ok_or_else(|| MutateError::OutsideDomain {
                    label: slot.label.to_string(),
                    value: value.to_string(),
                    domain: slot.domain.to_string(),
                })?;
            }
        }
        Ok((Sample::new(schema.clone(), picks), module))
    }

    fn realise(&self, chooser: &mut dyn Chooser) -> Result<Module, MutateError> {
        let module = self.mutated(chooser)?;
        let asking = Asking { module: &module, chooser: RefCell::new(chooser), error: RefCell::new(None) };
        let resolved = module.resolve(&asking);
        match asking.error.into_inner() {
            Some(e) => Err(e),
            None => Ok(resolved?),
        }
    }

    fn mutated(&self, chooser: &mut dyn Chooser) -> Result<Module, MutateError> {
        let mut module = self.base.clone();
        for mutator in &self.mutators {
            let mut asked =
                Asked { inner: &mut *chooser, declared: self.schema.as_deref(), mutator: &**mutator, module: &module };
            module = mutator.mutate(&module, &mut asked)?.rewrite(&module)?;
        }
        Ok(module)
    }

    /// The network of a sample, without decisions. Not verified again: [`Space::program`] does that.
    ///
    /// # Errors
    /// If the sample does not fit the space, or a mutator fails.
    pub fn module(&self, sample: &Sample) -> Result<Module, MutateError> {
        let mut replay = Replay::new(sample);
        if self.is_dynamic() {
            return self.realise(&mut replay);
        }
        Ok(self.mutated(&mut replay)?.resolve(sample)?)
    }

    /// The drawing of a sample's network, its cells labelled with what was chosen: `skip_connect`, not `identity`.
    ///
    /// # Errors
    /// As [`Space::module`].
    pub fn drawing(&self, sample: &Sample) -> Result<Drawing, MutateError> {
        let mut replay = Replay::new(sample);
        let mut drawing = if self.is_dynamic() {
            Drawing::of(&self.realise(&mut replay)?)
        } else {
            Drawing::decided(&self.mutated(&mut replay)?, sample)
        };
        if let Some(genotype) = self.genotype(sample).filter(|g| g.len() < 120) {
            drawing.title = genotype;
        }
        Ok(drawing)
    }

    /// The elaborated network of a sample: decided, typed, ready to be counted and hashed.
    ///
    /// # Errors
    /// If the sample does not fit, or the network has a fault.
    pub fn program(&self, sample: &Sample) -> Result<ir::Program, MutateError> {
        let mut replay = Replay::new(sample);
        if self.is_dynamic() {
            let module = self.realise(&mut replay)?;
            return Ok(ir::Elaboration::new(&module, sample).run()?);
        }
        let module = self.mutated(&mut replay)?;
        Ok(ir::Elaboration::new(&module, sample).run()?)
    }
}

/// Passes a mutator's questions on. In a static space it may ask for what is declared, and for nothing else.
struct Asked<'a> {
    inner: &'a mut dyn Chooser,
    declared: Option<&'a Schema>,
    mutator: &'a dyn Mutator,
    module: &'a Module,
}

impl Chooser for Asked<'_> {
    fn choose(&mut self, key: &str, domain: &ir::Domain) -> Result<Value, MutateError> {
        match self.declared {
            Some(schema) if schema.find(key).is_none() => Err(undeclared(self.mutator, self.module, key)),
            _ => self.inner.choose(key, domain),
        }
    }
}

/// Answers a mutator's questions with declared defaults, or if it is dynamic with the domains' first values.
struct DryRun<'a> {
    /// The mutator, if it is static: then it must have declared what it asks for.
    mutator: Option<&'a dyn Mutator>,
    module: &'a Module,
    extra: &'a [Decision],
}

impl Chooser for DryRun<'_> {
    fn choose(&mut self, key: &str, domain: &ir::Domain) -> Result<Value, MutateError> {
        let family = key.strip_suffix(']').and_then(|k| k.rsplit_once('['));
        let named = |d: &&Decision| match d.family {
            None => d.label == key,
            Some(_) => family.is_some_and(|(label, i)| d.label == label && d.has(i.parse().ok())),
        };
        let declared = self.extra.iter().chain(&self.module.decisions).find(named);
        if let (None, Some(mutator)) = (declared, self.mutator) {
            return Err(undeclared(mutator, self.module, key));
        }
        match declared.filter(|d| d.domain == *domain).and_then(|d| d.domain.value(d.default)) {
            Some(v) => Ok(v),
            None => Defaults.choose(key, domain),
        }
    }
}

fn undeclared(mutator: &dyn Mutator, module: &Module, label: &str) -> MutateError {
    const TOLD: usize = 12;
    let decisions = mutator.decisions(module).unwrap_or_default();
    let mut declared: Vec<String> = decisions.iter().take(TOLD).map(|d| format!("`{}`", d.label)).collect();
    if decisions.len() > TOLD {
        declared.push(format!("{} more", decisions.len() - TOLD));
    }
    let declared = if declared.is_empty() { "no decision".to_owned() } else { declared.join(", ") };
    MutateError::Undeclared { mutator: mutator.label().to_owned(), label: label.to_owned(), declared }
}
