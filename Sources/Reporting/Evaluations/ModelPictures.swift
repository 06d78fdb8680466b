/// What a page draws of a model beside its numbers.
public struct ModelPictures: Sendable {
    /// A receiver operating characteristic.
    public struct Curve: Sendable {
        /// The class that is told from the others.
        public var className: String
        /// Shares of the others and of the class that are named, from (0, 0) to (1, 1).
        public var points: [(falsePositives: Double, truePositives: Double)]

        /// A curve of a class.
        public init(
            className: String, points: [(falsePositives: Double, truePositives: Double)]
        ) {
            self.className = className
            self.points = points
        }
    }

    /// Records in a plane.
    public struct Map: Sendable {
        /// How they came there.
        public var title: String
        /// The drawing.
        public var chart: ScatterChart

        /// A drawing with its title.
        public init(title: String, chart: ScatterChart) {
            self.title = title
            self.chart = chart
        }
    }

    /// The model's name in the JSON; `encoder` for the one that is evaluated.
    public var name: String
    /// Of the linear probe, one a class.
    public var curves: [Curve]
    /// Of its vectors.
    public var maps: [Map]

    /// Pictures of a model.
    public init(name: String, curves: [Curve], maps: [Map]) {
        self.name = name
        self.curves = curves
        self.maps = maps
    }
}
