/// The colours of all pictures and pages, each by what it stands for.
public enum Palette {
    /// A colour on a light page and the one in its place on a dark page.
    public struct Shade: Sendable, Equatable {
        /// On a light page.
        public let light: String
        /// On a dark page.
        public let dark: String
    }

    // MARK: Pages and charts

    /// The page itself.
    public static let paper = Shade(light: "#fff", dark: "#12181f")
    /// Text.
    public static let ink = Shade(light: "#1d2733", dark: "#e4eaf0")
    /// Text that stands back.
    public static let faint = Shade(light: "#5c6b7a", dark: "#9fb0c0")
    /// Lines between things.
    public static let line = Shade(light: "#dfe5ea", dark: "#2b3742")
    /// Fields that stand out from the page.
    public static let panel = Shade(light: "#f5f7f9", dark: "#1a232c")
    /// Lines of a chart, the first in front; colour-blind readers have their order, and shapes beside them.
    public static let series = [
        Shade(light: "#1f6f8b", dark: "#5cb8d6"), Shade(light: "#c0392b", dark: "#f08072"),
        Shade(light: "#6c8b1f", dark: "#a9cc5a"), Shade(light: "#7d3c98", dark: "#c792ea"),
        Shade(light: "#b9770e", dark: "#f0b35a"), Shade(light: "#34495e", dark: "#a9bccf"),
    ]
    /// What belongs to no series, or to several.
    public static let other = Shade(light: "#7b8794", dark: "#8796a5")
    /// Points that nothing is known of.
    public static let unknown = Shade(light: "#b8c2cc", dark: "#4a5866")

    // MARK: ECG paper

    /// ECG paper, always light: that is how cardiologists know it.
    public static let ecgPaper = "#fffafa"
    /// Its lines every millimetre.
    public static let ecgFineLine = "#f6c9c9"
    /// Its lines every five.
    public static let ecgStrongLine = "#e88f8f"
    /// The same in grey, under parts that are filled.
    public static let greyPaper = "#ffffff"
    /// Its lines every millimetre.
    public static let greyFineLine = "#e6e6e6"
    /// Its lines every five.
    public static let greyStrongLine = "#c4c4c4"
    /// Traces and texts on it.
    public static let ecgInk = "#101010"
    /// Fills that speak for something; with the next one kept apart by colour-blind readers.
    ///
    /// Source: Okabe and Ito, "Color universal design", 2008.
    public static let warm = "#D55E00"
    /// Fills that speak against it.
    public static let cold = "#0072B2"
    /// Ends and peak of the P wave.
    public static let pWave = "#1f6fb2"
    /// Of the QRS complex.
    public static let qrsComplex = "#b2331f"
    /// Of the T wave.
    public static let tWave = "#2b8a3e"

    // MARK: Reconstructions

    /// A record as a model gets it.
    public static let given = "#8a8f98"
    /// What a model makes of it.
    public static let rebuilt = series[1].light
    /// What was hidden from the model.
    public static let hidden = "#f4ecdc"
    /// Headings.
    public static let heading = "#222"
    /// Explanations.
    public static let explanation = "#555"
}
