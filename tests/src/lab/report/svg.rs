//! Plots as SVG text: the same numbers give the same bytes, on every machine.

use std::fmt::Write;

/// A plot of points over two axes.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// Above it.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// What is drawn, later ones over earlier ones.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// Whether steps multiply. Then numbers at or under zero are left out.
    pub log: bool,
    /// Where it begins and ends; `None`: where the points do.
    pub range: Option<(f64, f64)>,
}

/// Some points.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// In the legend; none if it is empty.
    pub name: String,
    /// How they look.
    pub mark: Mark,
    /// Where they are.
    pub points: Vec<(f64, f64)>,
    /// What is written beside each of them, as far as there is something.
    pub labels: Vec<String>,
}

/// How points look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Connected.
    Line,
    /// Connected by a broken line.
    Dashes,
    /// By themselves.
    Dots,
    /// Upright bars.
    Bars,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
/// For the legend.
const RIGHT: f64 = 220.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
/// Told apart by those who do not see all colours (Okabe and Ito 2008).
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];

impl Axis {
    /// An even axis that is as long as the points need.
    pub fn new(label: &str) -> Self {
        Self { label: label.to_owned(), log: false, range: None }
    }

    /// The same from one number to another.
    pub fn within(self, from: f64, to: f64) -> Self {
        Self { range: Some((from, to)), ..self }
    }

    /// The same with steps that multiply.
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }
}

impl Series {
    /// Points with a name and no labels.
    pub fn new(name: &str, mark: Mark, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), mark, points, labels: Vec::new() }
    }
}

impl Plot {
    /// The plot as a document of its own, which also fits into HTML.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Scale::new(&self.x, all().map(|(x, _)| *x), LEFT, WIDTH - RIGHT);
        let y = Scale::new(&self.y, all().map(|(_, y)| *y), HEIGHT - BOTTOM, TOP);
        put(
            &mut svg,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
            ),
        );
        text(&mut svg, ((LEFT + WIDTH - RIGHT) / 2.0, 22.0), "middle", 15, &self.title);
        self.axes(&mut svg, &x, &y);
        let dots = |series: &&Series| series.mark == Mark::Dots;
        for (place, (series, colour)) in self.series.iter().zip(COLOURS.iter().cycle()).enumerate()
        {
            let covered = self.series[place + 1..].iter().filter(dots).count();
            series.draw(&mut svg, (&x, &y), colour, covered);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn axes(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for tick in x.ticks() {
            let at = x.place(tick);
            line(svg, (at, TOP), (at, bottom), "#e4e4e4");
            text(svg, (at, bottom + 16.0), "middle", 11, &number(tick));
        }
        for tick in y.ticks() {
            let at = y.place(tick);
            line(svg, (LEFT, at), (right, at), "#e4e4e4");
            text(svg, (LEFT - 6.0, at + 4.0), "end", 11, &number(tick));
        }
        line(svg, (LEFT, bottom), (right, bottom), "#333333");
        line(svg, (LEFT, TOP), (LEFT, bottom), "#333333");
        text(svg, ((LEFT + right) / 2.0, HEIGHT - 14.0), "middle", 12, &self.x.label);
        let middle = (TOP + bottom) / 2.0;
        put(
            svg,
            format_args!(
                "<text x=\"18\" y=\"{middle:.1}\" text-anchor=\"middle\" \
             transform=\"rotate(-90 18 {middle:.1})\">{}</text>\n",
                escape(&self.y.label)
            ),
        );
    }

    fn legend(&self, svg: &mut String) {
        let named = self.series.iter().zip(COLOURS.iter().cycle());
        let named = named.filter(|(series, _)| !series.name.is_empty());
        for ((series, colour), row) in named.zip(0u32..) {
            let y = TOP + 14.0 + 17.0 * f64::from(row);
            put(
                svg,
                format_args!(
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\n",
                    WIDTH - RIGHT + 16.0,
                    y - 10.0
                ),
            );
            text(svg, (WIDTH - RIGHT + 34.0, y), "start", 12, &series.name);
        }
    }
}

impl Series {
    /// `covered` later ones may be drawn over this one, and are smaller.
    fn draw(&self, svg: &mut String, (x, y): (&Scale, &Scale), colour: &str, covered: usize) {
        let radius = 4 + 2 * covered;
        let seen =
            self.points.iter().zip(self.labels.iter().map(Some).chain(std::iter::repeat(None)));
        let seen = seen.filter(|((px, py), _)| x.holds(*px) && y.holds(*py));
        let placed: Vec<_> =
            seen.map(|((px, py), label)| (x.place(*px), y.place(*py), label)).collect();
        match self.mark {
            Mark::Line | Mark::Dashes => {
                let path: Vec<String> =
                    placed.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
                let dashes =
                    if self.mark == Mark::Dashes { " stroke-dasharray=\"6 4\"" } else { "" };
                put(
                    svg,
                    format_args!(
                        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" \
                     stroke-width=\"2\"{dashes}/>\n",
                        path.join(" ")
                    ),
                );
            }
            Mark::Dots => {
                for (x, y, _) in &placed {
                    put(
                        svg,
                        format_args!(
                            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>\n"
                        ),
                    );
                }
            }
            Mark::Bars => {
                let width = 0.7 * (WIDTH - LEFT - RIGHT) / (placed.len() as f64 + 1.0);
                for (x, y, _) in &placed {
                    put(
                        svg,
                        format_args!(
                            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
                         fill=\"{colour}\"/>\n",
                            x - width / 2.0,
                            HEIGHT - BOTTOM - y
                        ),
                    );
                }
            }
        }
        let labels = placed.into_iter().filter_map(|(x, y, label)| Some((x, y, label?)));
        write_labels(svg, labels);
    }
}

/// Writes labels beside their points, lower where one would cover another.
fn write_labels<'a>(svg: &mut String, labels: impl Iterator<Item = (f64, f64, &'a String)>) {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for (x, y, label) in labels {
        let (from, to) = (x + 9.0, x + 9.0 + LETTER * label.len() as f64);
        let mut y = y + 16.0;
        while taken
            .iter()
            .any(|(left, right, row)| from < *right && *left < to && (y - row).abs() < LINE)
        {
            y += LINE;
        }
        taken.push((from, to, y));
        text(svg, (from, y), "start", 12, label);
    }
}

/// How wide a letter is, and how far lines are apart.
const LETTER: f64 = 7.0;
const LINE: f64 = 14.0;

/// From numbers to places.
struct Scale {
    log: bool,
    from: f64,
    to: f64,
    begin: f64,
    end: f64,
}

impl Scale {
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, begin: f64, end: f64) -> Self {
        let values = values.filter(|value| value.is_finite() && (!axis.log || *value > 0.0));
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (from, to) = match axis.range {
            Some(range) => range,
            None if low > high => (if axis.log { 0.1 } else { 0.0 }, 1.0),
            None if axis.log => (10f64.powf(low.log10().floor()), 10f64.powf(high.log10().ceil())),
            None => (low.min(0.0), high + 0.05 * (high - low.min(0.0))),
        };
        // Something to divide by.
        let to = if to > from {
            to
        } else if axis.log {
            from * 10.0
        } else {
            from + 1.0
        };
        Self { log: axis.log, from, to, begin, end }
    }

    fn holds(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }

    fn place(&self, value: f64) -> f64 {
        let share = if self.log {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.begin + share.clamp(0.0, 1.0) * (self.end - self.begin)
    }

    /// Round numbers, about six of them.
    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let (from, to) = (self.from.log10().ceil() as i32, self.to.log10().floor() as i32);
            return (from..=to).map(|power| 10f64.powi(power)).collect();
        }
        let rough = (self.to - self.from) / 6.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = svg.write_fmt(text);
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    put(
        svg,
        format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>\n",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, size: u32, text: &str) {
    put(
        svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{}</text>\n",
            at.0,
            at.1,
            escape(text)
        ),
    );
}

/// Text that means itself in SVG and HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Short, and without what rounding leaves behind.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_axis() {
        let scale = |axis: Axis| Scale::new(&axis, [].into_iter(), 0.0, 100.0);
        assert_eq!(
            scale(Axis::new("").within(0.0, 1.0)).ticks(),
            [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(
            scale(Axis::new("").within(1.0, 1_000.0).log()).ticks(),
            [1.0, 10.0, 100.0, 1_000.0]
        );
        assert_eq!(scale(Axis::new("").within(1.0, 100.0).log()).place(10.0), 50.0);
        assert_eq!(scale(Axis::new("").within(5.0, 5.0)).place(5.0), 0.0);
    }

    #[test]
    fn numbers_are_short() {
        for (value, short) in
            [(0.6000000000000001, "0.6"), (1_000.0, "1000"), (0.05, "0.05"), (0.0, "0")]
        {
            assert_eq!(number(value), short);
        }
    }

    #[test]
    fn a_plot_shows_each_point_and_nothing_that_is_not_a_number() {
        let mut series =
            Series::new("a < b", Mark::Dots, vec![(1.0, 2.0), (f64::NAN, 1.0), (3.0, 4.0)]);
        series.labels = vec!["first".to_owned()];
        let plot = Plot {
            title: "t".to_owned(),
            x: Axis::new("x"),
            y: Axis::new("y"),
            series: vec![series],
        };
        let svg = plot.svg();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("a &lt; b") && svg.contains("first") && !svg.contains("NaN"));
        assert_eq!(svg, plot.svg());
    }
}
