//! Smooth curves through knots, as functions of the flow.
//!
//! Between two knots the curve is a cubic that is monotone in both axes (Fritsch and Carlson,
//! 1980), so it stays within the box that the two knots span. That makes it enough to check a
//! curve against its surroundings at a few places, and it never swings out.

use super::{Axes, Point, Route};

/// A place that the curve passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knot {
    pub flow: f64,
    pub cross: f64,
}

/// A curve through its knots, which are in order of the flow.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub knots: Vec<Knot>,
    /// The slopes, cross by flow, wished for at the two ends.
    ends: (f64, f64),
    slopes: Vec<f64>,
}

impl Curve {
    pub(super) fn new(knots: Vec<Knot>, ends: (f64, f64)) -> Self {
        let mut curve = Self { knots, ends, slopes: Vec::new() };
        curve.fit();
        curve
    }

    /// Makes the curve pass one more knot. A knot at the flow of another is left out: there the
    /// curve is fixed already.
    pub(super) fn insert(&mut self, knot: Knot) {
        const NEAR: f64 = 0.5;
        let at = self.knots.partition_point(|other| other.flow < knot.flow);
        let taken = |index: usize| self.knots.get(index).is_some_and(|other| (other.flow - knot.flow).abs() < NEAR);
        if !taken(at) && (at == 0 || !taken(at - 1)) {
            self.knots.insert(at, knot);
            self.fit();
        }
    }

    fn fit(&mut self) {
        let secants: Vec<f64> =
            self.knots.windows(2).map(|pair| (pair[1].cross - pair[0].cross) / (pair[1].flow - pair[0].flow)).collect();
        let within = |wish: f64, secant: f64| {
            if wish * secant <= 0.0 { 0.0 } else { wish.signum() * wish.abs().min(3.0 * secant.abs()) }
        };
        let last = secants.len();
        self.slopes = (0..=last)
            .map(|k| {
                if k == 0 {
                    return within(self.ends.0, secants[0]);
                }
                if k == last {
                    return within(self.ends.1, secants[last - 1]);
                }
                let (before, after) = (secants[k - 1], secants[k]);
                if before * after <= 0.0 {
                    0.0
                } else {
                    // The harmonic mean is below thrice either secant, the bound for monotony.
                    2.0 * before * after / (before + after)
                }
            })
            .collect();
    }

    /// The position across at a place along the flow, which is taken into the curve's range.
    pub(super) fn at(&self, flow: f64) -> f64 {
        let last = self.knots.len() - 1;
        let k = self.knots.partition_point(|knot| knot.flow <= flow).clamp(1, last);
        let (a, b) = (self.knots[k - 1], self.knots[k]);
        let width = b.flow - a.flow;
        let t = ((flow - a.flow) / width).clamp(0.0, 1.0);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * a.cross
            + (t3 - 2.0 * t2 + t) * width * self.slopes[k - 1]
            + (3.0 * t2 - 2.0 * t3) * b.cross
            + (t3 - t2) * width * self.slopes[k]
    }

    /// Cuts an arrowhead off one end of the curve. The rest of the curve is as it was, and the
    /// arrowhead continues it.
    pub(super) fn cut_arrow(&mut self, at_start: bool) -> Arrow {
        let last = self.knots.len() - 1;
        let (end, inner) = if at_start { (0, 1) } else { (last, last - 1) };
        let tip = self.knots[end];
        let room = self.knots[inner].flow - tip.flow;
        let cosine = 1.0 / super::length(self.slopes[end], 1.0);
        // The curve keeps part of its last piece, however short that is.
        let length = (Arrow::LENGTH * cosine).min(0.8 * room.abs());
        let flow = tip.flow + length.copysign(room);
        let base = Knot { flow, cross: self.at(flow) };
        self.slopes[end] = self.slope(flow, end.min(inner));
        self.knots[end] = base;
        Arrow { tip, base }
    }

    /// The slope in the piece that begins at knot `k`.
    fn slope(&self, flow: f64, k: usize) -> f64 {
        let (a, b) = (self.knots[k], self.knots[k + 1]);
        let width = b.flow - a.flow;
        let t = (flow - a.flow) / width;
        (6.0 * t * t - 6.0 * t) * (a.cross - b.cross) / width
            + (3.0 * t * t - 4.0 * t + 1.0) * self.slopes[k]
            + (3.0 * t * t - 2.0 * t) * self.slopes[k + 1]
    }

    /// The curve as Bézier pieces on the page.
    fn pieces(&self, axes: Axes) -> Vec<[Point; 3]> {
        self.knots
            .windows(2)
            .zip(self.slopes.windows(2))
            .map(|(knots, slopes)| {
                let third = (knots[1].flow - knots[0].flow) / 3.0;
                [
                    axes.point(knots[0].cross + slopes[0] * third, knots[0].flow + third),
                    axes.point(knots[1].cross - slopes[1] * third, knots[1].flow - third),
                    axes.point(knots[1].cross, knots[1].flow),
                ]
            })
            .collect()
    }
}

/// An arrowhead: its tip, and the middle of its base.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrow {
    pub tip: Knot,
    pub base: Knot,
}

impl Arrow {
    const LENGTH: f64 = 8.0;
    const HALF_WIDTH: f64 = 3.4;

    fn corners(&self, axes: Axes) -> [Point; 3] {
        let Self { tip, base } = self;
        let (flow, cross) = (tip.flow - base.flow, tip.cross - base.cross);
        let length = super::length(flow, cross).max(0.01);
        let side = |half: f64| axes.point(base.cross + half * flow / length, base.flow - half * cross / length);
        [axes.point(tip.cross, tip.flow), side(Self::HALF_WIDTH), side(-Self::HALF_WIDTH)]
    }
}

/// An edge's curve and arrowhead, along the axes of the layout.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub curve: Curve,
    pub arrow: Arrow,
}

impl Path {
    pub(super) fn to_route(&self, axes: Axes) -> Route {
        let first = self.curve.knots[0];
        Route {
            start: axes.point(first.cross, first.flow),
            pieces: self.curve.pieces(axes),
            arrow: self.arrow.corners(axes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_between_its_knots() {
        let knot = |flow, cross| Knot { flow, cross };
        let mut curve = Curve::new(vec![knot(0.0, 0.0), knot(100.0, 50.0)], (9.0, -3.0));
        curve.insert(knot(20.0, 40.0));
        curve.insert(knot(30.0, 40.0));
        curve.insert(knot(30.2, 0.0));
        assert_eq!(curve.knots.len(), 4);
        let (uncut, arrow) = (curve.clone(), curve.cut_arrow(false));
        assert_eq!((arrow.tip.flow, arrow.tip.cross), (100.0, 50.0));
        assert!((uncut.at(90.0) - curve.at(90.0)).abs() < 1e-9);
        let curve = uncut;
        for step in 0..=100 {
            let flow = f64::from(step);
            let cross = curve.at(flow);
            let (low, high) = match step {
                0..20 => (0.0, 40.0),
                20..=30 => (40.0, 40.0),
                _ => (40.0, 50.0),
            };
            assert!(cross >= low - 1e-9 && cross <= high + 1e-9, "{flow} {cross}");
        }
    }
}
